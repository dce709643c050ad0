/*
 * Round trips over ZeroMQ as C programs make them: two PAIR sockets, the kind that has no routing.
 *
 *   libzmq tcp|ipc BYTES [CORE CORE]      rounds, as ../floors/floor.h says
 */
#include <errno.h>
#include <stdio.h>
#include <zmq.h>

#include "../floors/floor.h"
#include "address.h"

static struct address address;
static void *pair;

static void create_tcp(size_t size) {
  (void)size;
  create_address(&address);
  snprintf(address.text, sizeof address.text, "tcp://127.0.0.1:*");
}

/** An abstract name leaves no file. */
static void create_ipc(size_t size) {
  (void)size;
  create_address(&address);
  snprintf(address.text, sizeof address.text, "ipc://@strait-libzmq-%d", getpid());
}

/** Contexts have threads, so each process makes its own. */
static void become(enum end end, pid_t peer) {
  (void)peer;
  void *context = zmq_ctx_new();
  pair = context != NULL ? zmq_socket(context, ZMQ_PAIR) : NULL;
  if (pair == NULL) die("zmq_socket");
  if (end == CHILD) {
    hear_address(&address);
    if (zmq_connect(pair, address.text) != 0) die("zmq_connect");
    return;
  }
  size_t length = sizeof address.text;
  if (zmq_bind(pair, address.text) != 0) die("zmq_bind");
  if (zmq_getsockopt(pair, ZMQ_LAST_ENDPOINT, address.text, &length) != 0) die("zmq_getsockopt");
  tell_address(&address);
}

static void send_message(const uint8_t *message, size_t size) {
  if (zmq_send(pair, message, size, 0) != (int)size) die("zmq_send");
}

static void receive_message(uint8_t *message, size_t size) {
  if (zmq_recv(pair, message, size, 0) != (int)size) die("zmq_recv");
}

static const struct mechanism tcp = {"tcp", create_tcp, become, send_message, receive_message};
static const struct mechanism ipc = {"ipc", create_ipc, become, send_message, receive_message};
static const struct mechanism *const mechanisms[] = {&tcp, &ipc, NULL};

int main(int argc, char **argv) { return rounds_main(argc, argv, mechanisms); }
