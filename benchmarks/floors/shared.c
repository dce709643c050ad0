/*
 * Shared memory, and three ways to hear that something is in it. One slot each way holds one message:
 *
 *   0          64            64 + size
 *   | count    | payload     |             count: how many messages were put here so far
 *
 * It need not be taken back, because the ends speak in turns: an answer says that the question was read.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor.h"

struct slot {
  _Alignas(64) _Atomic uint32_t count;
  _Alignas(64) uint8_t payload[];
};
_Static_assert(sizeof(struct slot) == 64, "the payload begins a cache line");

/** Slots begin so far apart, because processors fetch cache lines in pairs. */
enum { APART = 128 };

/** [0] is read by the child, [1] by the parent. */
static struct slot *slots[2];
static int events[2];
static int in, out;
static uint32_t received;

static void create_slots(size_t size) {
  const size_t each = (sizeof(struct slot) + size + APART - 1) / APART * APART;
  const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE;
  uint8_t *memory = mmap(NULL, 2 * each, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  slots[0] = (struct slot *)memory;
  slots[1] = (struct slot *)(memory + each);
}

static void create_with_events(size_t size) {
  create_slots(size);
  for (int way = 0; way < 2; way++) {
    events[way] = eventfd(0, EFD_CLOEXEC);
    if (events[way] < 0) die("eventfd");
  }
}

static void become(enum end end, pid_t peer) {
  (void)peer;
  in = end == CHILD ? 0 : 1;
  out = 1 - in;
}

static void put(const uint8_t *message, size_t size) {
  memcpy(slots[out]->payload, message, size);
  /* Pairs with the load in has_come. */
  atomic_fetch_add_explicit(&slots[out]->count, 1, memory_order_release);
}

static int has_come(void) {
  /* Pairs with the increment in put. */
  return atomic_load_explicit(&slots[in]->count, memory_order_acquire) != received;
}

static void take(uint8_t *message, size_t size) {
  received++;
  memcpy(message, slots[in]->payload, size);
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void spin_receive(uint8_t *message, size_t size) {
  while (!has_come()) relax();
  take(message, size);
}

static void futex_send(const uint8_t *message, size_t size) {
  put(message, size);
  if (syscall(SYS_futex, &slots[out]->count, FUTEX_WAKE, 1, NULL, NULL, 0) < 0) die("futex");
}

static void futex_receive(uint8_t *message, size_t size) {
  /* Returns at once when the count has changed already, hence no error is one. */
  while (!has_come()) syscall(SYS_futex, &slots[in]->count, FUTEX_WAIT, received, NULL, NULL, 0);
  take(message, size);
}

static void eventfd_send(const uint8_t *message, size_t size) {
  const uint64_t one = 1;
  put(message, size);
  if (write(events[out], &one, sizeof one) != sizeof one) die("write");
}

static void eventfd_receive(uint8_t *message, size_t size) {
  uint64_t count;
  if (read(events[in], &count, sizeof count) != sizeof count) die("read");
  if (!has_come()) give_up("an event without a message");
  take(message, size);
}

const struct mechanism eventfd_floor = {"eventfd", create_with_events, become, eventfd_send, eventfd_receive};
const struct mechanism futex_floor = {"futex", create_slots, become, futex_send, futex_receive};
const struct mechanism spin_floor = {"spin", create_slots, become, put, spin_receive};
