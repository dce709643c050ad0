/* Queued real-time signals, each of which carries a value of eight bytes; sigqueue(3). */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "floor.h"

enum { PIECE_BYTES = sizeof(union sigval) };

/**
 * So many signals are sent before the receiver has said that he took them. Otherwise a long message would run into
 * RLIMIT_SIGPENDING, which is one for all processes of a user, and where sigqueue(3) refuses instead of blocking.
 */
enum { WINDOW = 256 };

static sigset_t ours;
static pid_t other;

/** Blocked, so that it waits for sigwaitinfo(2): else it would kill. The child inherits that. */
static void create(size_t size) {
  (void)size;
  sigemptyset(&ours);
  sigaddset(&ours, SIGRTMIN);
  if (sigprocmask(SIG_BLOCK, &ours, NULL) != 0) die("sigprocmask");
}

static void become(enum end end, pid_t peer) {
  (void)end;
  other = peer;
}

static void put(union sigval value) {
  if (sigqueue(other, SIGRTMIN, value) != 0) die("sigqueue");
}

static union sigval take(void) {
  siginfo_t information;
  if (sigwaitinfo(&ours, &information) < 0) die("sigwaitinfo");
  if (information.si_code != SI_QUEUE || information.si_pid != other) give_up("a signal of somebody else");
  return information.si_value;
}

static bool fills_window(size_t at) { return at > 0 && at / PIECE_BYTES % WINDOW == 0; }

static void send(const uint8_t *message, size_t size) {
  for (size_t at = 0; at < size; at += PIECE_BYTES) {
    union sigval value = {0};
    if (fills_window(at)) take();
    memcpy(&value, message + at, least(size - at, PIECE_BYTES));
    put(value);
  }
}

static void receive(uint8_t *message, size_t size) {
  for (size_t at = 0; at < size; at += PIECE_BYTES) {
    if (fills_window(at)) put((union sigval){0});
    const union sigval value = take();
    memcpy(message + at, &value, least(size - at, PIECE_BYTES));
  }
}

const struct mechanism signal_floor = {"signal", create, become, send, receive};
