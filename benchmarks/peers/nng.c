/*
 * Round trips over NNG, between two pair0 sockets.
 *
 *   nng ipc BYTES [CORE CORE]      rounds, as ../floors/floor.h says
 */
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <stdio.h>

#include "../floors/floor.h"
#include "address.h"

static struct address address;
static nng_socket pair;

static void check(int error) {
  if (error != 0) give_up(nng_strerror(error));
}

/** An abstract name leaves no file. */
static void create(size_t size) {
  (void)size;
  create_address(&address);
  snprintf(address.text, sizeof address.text, "abstract://strait-nng-%d", getpid());
}

/** The library has threads, so each process begins with it on its own. */
static void become(enum end end, pid_t peer) {
  (void)peer;
  check(nng_pair0_open(&pair));
  check(nng_socket_set_size(pair, NNG_OPT_RECVMAXSZ, 0));
  if (end == CHILD) {
    hear_address(&address);
    check(nng_dial(pair, address.text, NULL, 0));
    return;
  }
  check(nng_listen(pair, address.text, NULL, 0));
  tell_address(&address);
}

/** It copies the message, and changes nothing. */
static void send_message(const uint8_t *message, size_t size) { check(nng_send(pair, (void *)message, size, 0)); }

static void receive_message(uint8_t *message, size_t size) {
  size_t received = size;
  check(nng_recv(pair, message, &received, 0));
  if (received != size) give_up("a payload was damaged");
}

static const struct mechanism ipc = {"ipc", create, become, send_message, receive_message};
static const struct mechanism *const mechanisms[] = {&ipc, NULL};

int main(int argc, char **argv) { return rounds_main(argc, argv, mechanisms); }
