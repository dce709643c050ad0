/*
 * The bounded buffer of the textbooks: slots in shared memory that two counting semaphores hand over, `items` when one is
 * filled and `spaces` when it is free again. Each way has its own:
 *
 *   | slot 0 | slot 1 | ... | slot 7 |       a long message goes through them in pieces, round and round
 */
#define _GNU_SOURCE
#include <semaphore.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>

#include "floor.h"

enum { SLOTS = 8, SLOT_BYTES = 1024 };
enum { ITEMS, SPACES, KINDS };

struct shared {
  uint8_t slots[2][SLOTS][SLOT_BYTES];
  /** By way and by kind. */
  sem_t semaphores[2][KINDS];
};

/** Way 0 is read by the child, 1 by the parent. */
static struct shared *shared;
static int set = -1;
static int in, out;
static size_t filled, emptied;

typedef void operation(int way, int kind);

static void become(enum end end, pid_t peer) {
  (void)peer;
  in = end == CHILD ? 0 : 1;
  out = 1 - in;
}

static void create_slots(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (shared == MAP_FAILED) die("mmap");
}

static inline void fill(const uint8_t *message, size_t size, operation *acquire, operation *release) {
  for (size_t at = 0; at < size; at += SLOT_BYTES) {
    acquire(out, SPACES);
    memcpy(shared->slots[out][filled++ % SLOTS], message + at, least(size - at, SLOT_BYTES));
    release(out, ITEMS);
  }
}

static inline void empty(uint8_t *message, size_t size, operation *acquire, operation *release) {
  for (size_t at = 0; at < size; at += SLOT_BYTES) {
    acquire(in, ITEMS);
    memcpy(message + at, shared->slots[in][emptied++ % SLOTS], least(size - at, SLOT_BYTES));
    release(in, SPACES);
  }
}

static void create_posix(size_t size) {
  (void)size;
  create_slots();
  for (int way = 0; way < 2; way++) {
    if (sem_init(&shared->semaphores[way][ITEMS], 1, 0) != 0) die("sem_init");
    if (sem_init(&shared->semaphores[way][SPACES], 1, SLOTS) != 0) die("sem_init");
  }
}

static void posix_acquire(int way, int kind) {
  if (sem_wait(&shared->semaphores[way][kind]) != 0) die("sem_wait");
}

static void posix_release(int way, int kind) {
  if (sem_post(&shared->semaphores[way][kind]) != 0) die("sem_post");
}

static void posix_send(const uint8_t *message, size_t size) { fill(message, size, posix_acquire, posix_release); }
static void posix_receive(uint8_t *message, size_t size) { empty(message, size, posix_acquire, posix_release); }

static void remove_sysv(void) { semctl(set, 0, IPC_RMID); }

static void create_sysv(size_t size) {
  (void)size;
  on_leaving(remove_sysv);
  create_slots();
  set = semget(IPC_PRIVATE, 2 * KINDS, 0600);
  if (set < 0) die("semget");
  unsigned short permits[2 * KINDS];
  for (int way = 0; way < 2; way++) {
    permits[way * KINDS + ITEMS] = 0;
    permits[way * KINDS + SPACES] = SLOTS;
  }
  /* semctl(2) leaves it to the program to declare the union. */
  const union {
    int value;
    unsigned short *array;
  } argument = {.array = permits};
  if (semctl(set, 0, SETALL, argument) != 0) die("semctl");
}

static void sysv_operate(int way, int kind, short permits) {
  struct sembuf operation = {.sem_num = (unsigned short)(way * KINDS + kind), .sem_op = permits};
  if (semop(set, &operation, 1) != 0) die("semop");
}

static void sysv_acquire(int way, int kind) { sysv_operate(way, kind, -1); }
static void sysv_release(int way, int kind) { sysv_operate(way, kind, 1); }

static void sysv_send(const uint8_t *message, size_t size) { fill(message, size, sysv_acquire, sysv_release); }
static void sysv_receive(uint8_t *message, size_t size) { empty(message, size, sysv_acquire, sysv_release); }

const struct mechanism sem_floor = {"sem", create_posix, become, posix_send, posix_receive};
const struct mechanism sysv_sem_floor = {"sysv-sem", create_sysv, become, sysv_send, sysv_receive};
