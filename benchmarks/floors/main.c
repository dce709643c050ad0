/*
 * Round trips between two processes as blocking C makes them: what no other program can be much faster than.
 *
 *   floor MECHANISM BYTES [CORE CORE]      the cores of the parent and of the child
 *
 * Says `ready PID [PID]`, its own and the child's. Then each line `run MS` on stdin is answered by a line with the
 * durations in ns, as many as fit into so many ms and at least one. In between both processes are blocked. Ends with
 * stdin. Whichever process outlives the other removes what would outlive both.
 *
 * `floor lock …` is about locks instead: locks.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "payload.h"

static const struct mechanism *const mechanisms[] = {
    &pipe_floor, &fifo_floor,    &unix_floor, &seqpacket_floor, &eventfd_floor, &futex_floor,  &spin_floor,
    &mq_floor,   &sysv_mq_floor, &sem_floor,  &sysv_sem_floor,  &signal_floor,  &memcpy_floor,
};

struct buffers {
  size_t size;
  uint8_t *question, *answer;
};

struct durations {
  uint64_t *ns;
  size_t count, room;
};

static void nothing(void) {}
static void (*remove_objects)(void) = nothing;

static _Noreturn void leave(int status) {
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
  complain("floor: ");
  complain(why);
  complain("\n");
  leave(1);
}

_Noreturn void die(const char *call) {
  dprintf(STDERR_FILENO, "floor: %s: %s\n", call, strerror(errno));
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

/** Answers every message; after one that no other follows it is blocked until the next stretch begins. */
static void answer(const struct mechanism *mechanism, const struct buffers *buffers, int begin) {
  const size_t size = buffers->size;
  char stretch;
  while (read(begin, &stretch, 1) == 1) {
    uint8_t byte;
    do {
      mechanism->receive(buffers->question, size);
      byte = read_payload(buffers->question, size);
      write_payload(buffers->answer, size, byte & COUNT);
#ifdef FLOOR_PLANT_DAMAGE
      buffers->answer[size - 1] ^= 1;
#endif
      mechanism->send(buffers->answer, size);
    } while (byte & MORE);
  }
}

/** One round trip, in ns. Writing the question and checking the answer lie outside. */
static uint64_t ask(const struct mechanism *mechanism, const struct buffers *buffers, uint8_t byte) {
  const size_t size = buffers->size;
  write_payload(buffers->question, size, byte);
  const uint64_t before = now();
  mechanism->send(buffers->question, size);
  mechanism->receive(buffers->answer, size);
  const uint64_t after = now();
  if ((read_payload(buffers->answer, size) & COUNT) != (byte & COUNT)) give_up("an answer to another question");
  return after - before;
}

static void record(struct durations *durations, uint64_t ns) {
  if (durations->count == durations->room) {
    durations->room = durations->room == 0 ? 65536 : 2 * durations->room;
    durations->ns = realloc(durations->ns, durations->room * sizeof *durations->ns);
    if (durations->ns == NULL) die("realloc");
  }
  durations->ns[durations->count++] = ns;
}

static void run(const struct mechanism *mechanism, const struct buffers *buffers, unsigned long ms, int begin) {
  static struct durations durations;
  durations.count = 0;
  if (mechanism->become != NULL && write(begin, "", 1) != 1) die("write");
  const uint64_t end = now() + ms * 1000000u;
  uint8_t count = 0;
  do record(&durations, ask(mechanism, buffers, MORE | (++count & COUNT)));
  while (now() < end);
  ask(mechanism, buffers, ++count & COUNT);
  for (size_t at = 0; at < durations.count; at++) {
    printf("%llu%c", (unsigned long long)durations.ns[at], at + 1 < durations.count ? ' ' : '\n');
  }
  if (fflush(stdout) != 0) die("stdout");
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

static pid_t start(const struct mechanism *mechanism, const struct buffers *buffers, const char *core, int begin[2]) {
  const pid_t parent = getpid();
  const pid_t child = fork_peer(core);
  if (child > 0) return child;
  close(begin[1]);
  mechanism->become(CHILD, parent);
  answer(mechanism, buffers, begin[0]);
  leave(0);
}

static const struct mechanism *find(const char *name) {
  for (size_t at = 0; at < sizeof mechanisms / sizeof *mechanisms; at++) {
    if (strcmp(mechanisms[at]->name, name) == 0) return mechanisms[at];
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "lock") == 0) return lock_main(argc - 1, argv + 1);
  const struct mechanism *mechanism = argc == 3 || argc == 5 ? find(argv[1]) : NULL;
  const size_t size = mechanism != NULL ? strtoul(argv[2], NULL, 10) : 0;
  if (size == 0) {
    fputs("usage: floor MECHANISM BYTES [CORE CORE]\n", stderr);
    return 2;
  }
  if (argc == 5) pin(argv[3]);
  const struct buffers buffers = {size, allocate(size), allocate(size)};
  mechanism->create(size);
  int begin[2];
  if (pipe2(begin, O_CLOEXEC) != 0) die("pipe2");
  printf("ready %d", getpid());
  pid_t child = 0;
  if (mechanism->become != NULL) {
    fflush(stdout);
    child = start(mechanism, &buffers, argc == 5 ? argv[4] : NULL, begin);
    mechanism->become(PARENT, child);
    printf(" %d", child);
  }
  puts("");
  fflush(stdout);

  char line[64];
  unsigned long ms;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "run %lu", &ms) != 1) give_up("only `run MS` is understood");
    run(mechanism, &buffers, ms, begin[1]);
  }
  signal(SIGCHLD, SIG_DFL);
  close(begin[1]);
  if (child > 0) waitpid(child, NULL, 0);
  leave(0);
}
