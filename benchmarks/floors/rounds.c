/* Round trips over a mechanism, in stretches that are ordered by lines; floor.h says how. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "payload.h"

struct buffers {
  size_t size;
  uint8_t *question, *answer;
};

struct durations {
  uint64_t *ns;
  size_t count, room;
};

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

/** What this process does before each question, for so long: it computes, or sleeps. */
struct pause {
  uint64_t ns;
  int busy;
};

static void make_pause(const struct pause *pause) {
  if (pause->ns == 0) return;
  const uint64_t end = now() + pause->ns;
  if (pause->busy) {
    while (now() < end) continue;
    return;
  }
  const struct timespec until = {(time_t)(end / 1000000000u), (long)(end % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;
}

/** What a line asks for. */
struct stretch {
  unsigned long ms;
  struct pause pause;
};

static struct stretch parse(const char *line) {
  struct stretch stretch = {0, {0, 0}};
  unsigned long us = 0;
  char how[7] = "";
  const int found = sscanf(line, "run %lu %lu %6s", &stretch.ms, &us, how);
  stretch.pause.ns = us * 1000u;
  stretch.pause.busy = strcmp(how, "busy") == 0;
  if (found == 1 || (found == 3 && (stretch.pause.busy || strcmp(how, "asleep") == 0))) return stretch;
  give_up("only `run MS [US busy|asleep]` is understood");
}

static void run(const struct mechanism *mechanism, const struct buffers *buffers, struct stretch stretch, int begin) {
  static struct durations durations;
  durations.count = 0;
  if (mechanism->become != NULL && write(begin, "", 1) != 1) die("write");
  const uint64_t end = now() + stretch.ms * 1000000u;
  uint8_t count = 0;
  do {
    make_pause(&stretch.pause);
    record(&durations, ask(mechanism, buffers, MORE | (++count & COUNT)));
  } while (now() < end);
  ask(mechanism, buffers, ++count & COUNT);
  for (size_t at = 0; at < durations.count; at++) {
    printf("%llu%c", (unsigned long long)durations.ns[at], at + 1 < durations.count ? ' ' : '\n');
  }
  if (fflush(stdout) != 0) die("stdout");
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

static const struct mechanism *find(const struct mechanism *const *mechanisms, const char *name) {
  while (*mechanisms != NULL && strcmp((*mechanisms)->name, name) != 0) mechanisms++;
  return *mechanisms;
}

int rounds_main(int argc, char **argv, const struct mechanism *const *mechanisms) {
  const struct mechanism *mechanism = argc == 3 || argc == 5 ? find(mechanisms, argv[1]) : NULL;
  const size_t size = mechanism != NULL ? strtoul(argv[2], NULL, 10) : 0;
  if (size == 0) {
    fprintf(stderr, "usage: %s MECHANISM BYTES [CORE CORE]\n", program_invocation_short_name);
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
  while (fgets(line, sizeof line, stdin) != NULL) run(mechanism, &buffers, parse(line), begin[1]);
  signal(SIGCHLD, SIG_DFL);
  close(begin[1]);
  if (child > 0) waitpid(child, NULL, 0);
  leave(0);
}
