/* How a process begins, is bound to a core, has a peer, and ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"

static void nothing(void) {}
static void (*remove_objects)(void) = nothing;

_Noreturn void leave(int status) {
  remove_objects();
  _exit(status);
}

/** Ends as the signal would have ended it: raised again, it is delivered when this handler returns. */
static void leave_killed(int number) {
  remove_objects();
  signal(number, SIG_DFL);
  raise(number);
}

void on_leaving(void (*remove)(void)) {
  remove_objects = remove;
  const int fatal[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
  for (size_t at = 0; at < sizeof fatal / sizeof *fatal; at++) signal(fatal[at], leave_killed);
}

static void complain(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) leave(1);
}

/** From a signal handler too, hence without stdio, which may be interrupted in malloc; signal-safety(7). */
_Noreturn void give_up(const char *why) {
  complain(program_invocation_short_name);
  complain(": ");
  complain(why);
  complain("\n");
  leave(1);
}

_Noreturn void die(const char *call) {
  dprintf(STDERR_FILENO, "%s: %s: %s\n", program_invocation_short_name, call, strerror(errno));
  leave(1);
}

void *allocate(size_t size) {
  void *memory = malloc(size);
  if (memory == NULL) die("malloc");
  return memory;
}

uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void pin(const char *core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(strtoul(core, NULL, 10), &cores);
  if (sched_setaffinity(0, sizeof cores, &cores) != 0) die("sched_setaffinity");
}

static void peer_died(int signal) {
  (void)signal;
  give_up("the peer has died");
}

pid_t fork_peer(const char *core) {
  const pid_t parent = getpid();
  signal(SIGCHLD, peer_died);
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child > 0) return child;
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) die("prctl");
  if (getppid() != parent) leave(1);
  if (core != NULL) pin(core);
  return 0;
}
