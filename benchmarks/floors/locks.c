/*
 * What a lock costs that C and the kernel make, alone and between processes: pthread_mutex(3) in memory that they share.
 *
 *   floor lock plain|robust PROCESSES [CORE...]      the core of the parent; cores of the others, in turns
 *
 * plain: as it is by default. robust: process-shared, and taken back by the kernel from whoever dies with it.
 *
 * Says `ready PID [PID...]`, its own and those of so many children, which are blocked until they are needed. Lines on
 * stdin are answered by a line each:
 *
 *   pairs MS      the parent alone locks and releases for so long: `PAIRS NS`
 *   contend MS    the children run sections, beginning together: `COUNT NS`, what the counter says that the sections
 *                 increment and how long it took, then for each child its sections and its longest wait, in ns
 *
 * Reading the clock costs more than locking. It is read when the counter shows that somebody else was in between, and
 * every so many sections, so that a wait is never taken for longer by more than these. Ends with stdin.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"

/** Apart from each other, because processors fetch cache lines in pairs. */
enum { APART = 128 };

/** How many go before the clock is looked at. */
enum { PAIRS_PER_LOOK = 1000, SECTIONS_PER_LOOK = 16 };

struct side {
  alignas(APART) uint64_t sections;
  uint64_t longest, end;
};

struct arena {
  alignas(APART) pthread_mutex_t mutex;
  uint64_t count;
  /** The children, and the parent, meet before and after. */
  alignas(APART) pthread_barrier_t meeting;
  uint64_t start, end;
  struct side sides[];
};

static struct arena *arena;

static void check(int error, const char *call) {
  if (error == 0) return;
  errno = error;
  die(call);
}

static void create(int robust, size_t sides) {
  const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE;
  arena = mmap(NULL, sizeof *arena + sides * sizeof *arena->sides, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (arena == MAP_FAILED) die("mmap");
  pthread_mutexattr_t kind;
  check(pthread_mutexattr_init(&kind), "pthread_mutexattr_init");
  if (robust) {
    check(pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED), "pthread_mutexattr_setpshared");
    check(pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST), "pthread_mutexattr_setrobust");
  }
  check(pthread_mutex_init(&arena->mutex, &kind), "pthread_mutex_init");
  pthread_barrierattr_t shared;
  check(pthread_barrierattr_init(&shared), "pthread_barrierattr_init");
  check(pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED), "pthread_barrierattr_setpshared");
  check(pthread_barrier_init(&arena->meeting, &shared, (unsigned)sides + 1), "pthread_barrier_init");
}

static void meet(void) {
  const int outcome = pthread_barrier_wait(&arena->meeting);
  if (outcome != PTHREAD_BARRIER_SERIAL_THREAD) check(outcome, "pthread_barrier_wait");
}

static void lock(void) { check(pthread_mutex_lock(&arena->mutex), "pthread_mutex_lock"); }
static void release(void) { check(pthread_mutex_unlock(&arena->mutex), "pthread_mutex_unlock"); }

static void sleep_until(uint64_t ns) {
  const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) continue;
}

static _Noreturn void take_part(struct side *side) {
  for (;;) {
    meet();
    sleep_until(arena->start);
    uint64_t sections = 0, longest = 0, last = 0, time = now();
    do {
      lock();
#ifdef FLOOR_PLANT_DAMAGE
      if (sections == 0) arena->count--;
#endif
      const uint64_t count = ++arena->count;
      release();
      sections++;
      if (count != last + 1 || sections % SECTIONS_PER_LOOK == 0) {
        const uint64_t looked = now();
        if (looked - time > longest) longest = looked - time;
        time = looked;
      }
      last = count;
    } while (time < arena->end);
    side->sections = sections;
    side->longest = longest;
    side->end = time;
    meet();
  }
}

static void pairs(unsigned long ms) {
  const uint64_t start = now(), end = start + ms * 1000000u;
  uint64_t count = 0, time;
  do {
    for (int pair = 0; pair < PAIRS_PER_LOOK; pair++) {
      lock();
      release();
    }
    count += PAIRS_PER_LOOK;
    time = now();
  } while (time < end);
  printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)(time - start));
}

static void contend(unsigned long ms, size_t sides) {
  arena->count = 0;
  /* So late that all of them are there. */
  arena->start = now() + (5 + sides) * 1000000u;
  arena->end = arena->start + ms * 1000000u;
  meet();
  meet();
  uint64_t end = 0;
  for (size_t at = 0; at < sides; at++) {
    if (arena->sides[at].end > end) end = arena->sides[at].end;
  }
  printf("%llu %llu", (unsigned long long)arena->count, (unsigned long long)(end - arena->start));
  for (size_t at = 0; at < sides; at++) {
    const struct side *side = &arena->sides[at];
    printf(" %llu %llu", (unsigned long long)side->sections, (unsigned long long)side->longest);
  }
  puts("");
}

int lock_main(int argc, char **argv) {
  const int robust = argc > 2 && strcmp(argv[1], "robust") == 0;
  if (argc < 3 || (!robust && strcmp(argv[1], "plain") != 0)) {
    fputs("usage: floor lock plain|robust PROCESSES [CORE...]\n", stderr);
    return 2;
  }
  const size_t sides = strtoul(argv[2], NULL, 10), cores = (size_t)argc - 3;
  if (!robust && sides > 0) give_up("a plain mutex is not for processes");
  if (cores > 0) pin(argv[3]);
  create(robust, sides);
  pid_t *children = allocate((sides + 1) * sizeof *children);
  printf("ready %d", getpid());
  fflush(stdout);
  for (size_t at = 0; at < sides; at++) {
    children[at] = fork_peer(cores > 0 ? argv[3 + at % cores] : NULL);
    if (children[at] == 0) take_part(&arena->sides[at]);
    printf(" %d", children[at]);
    fflush(stdout);
  }
  puts("");
  fflush(stdout);

  char line[64];
  unsigned long ms;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "pairs %lu", &ms) == 1) pairs(ms);
    else if (sides > 0 && sscanf(line, "contend %lu", &ms) == 1) contend(ms, sides);
    else give_up("only `pairs MS` and, with children, `contend MS` are understood");
    if (fflush(stdout) != 0) die("stdout");
  }
  signal(SIGCHLD, SIG_DFL);
  for (size_t at = 0; at < sides; at++) kill(children[at], SIGTERM);
  for (size_t at = 0; at < sides; at++) waitpid(children[at], NULL, 0);
  return 0;
}
