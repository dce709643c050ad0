// What locks share: the layout of a region, which any number of processes map. All zeros is an empty region.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "monitor.h"

namespace strait::locks {

/// The tables; in each, index 0 is nobody and nothing.
constexpr uint32_t kSlots = 256;
constexpr uint32_t kObjects = 256;
constexpr uint32_t kWaiters = 16384;

constexpr uint64_t kMagic = 0x6b636f6c2d727473;  // "str-lock"
constexpr uint32_t kVersion = 1;

enum Type : uint32_t { kNothing, kMutex, kSemaphore, kEvent, kCondition, kBarrier, kRWLock };

/// Of Mutex::word and RWLock::word, beside the owner's slot; 0: free. Semaphores use kStarving alone.
constexpr uint32_t kOwner = 0xffff;
constexpr uint32_t kWaiting = 1u << 16;   // somebody is in the queue: who releases has more to do
constexpr uint32_t kStarving = 1u << 17;  // only who is in the queue may take it
constexpr uint32_t kDied = 1u << 18;      // an owner died; the next is told
constexpr uint32_t kPoisoned = 1u << 19;  // and the one who was told has not mended the data
/// Of a mutex: somebody in the queue has been told that it was free, and has not come yet. Until then, whoever has it
/// meanwhile need tell nobody.
constexpr uint32_t kTold = 1u << 20;

/// What can be taken of an object: the one thing there is, or of an RWLock the right to read.
constexpr uint32_t kRead = 1;
/// Takes it even when it is poisoned.
constexpr uint32_t kRepair = 2;
/// Of a waiter that has come by a condition: it goes on until it has the mutex.
constexpr uint32_t kNotice = 4;

enum State : uint32_t { kFree, kQueued, kGranted };

// Fields marked * are authoritative: each changes from one valid state to another by one store, so whoever is killed
// has done all of a step or nothing of it. All others are derived from them, and made anew after a death; rebuild().

///  0        8         12     16              24
///  +--------+---------+------+---------------+
///  | magic* | version*| size*| PID namespace*|
///  +--------+---------+------+---------------+
///  64: monitor   128: sequence*, retired*, waiters used*, first free waiter, occupied slots
struct Header {
  uint64_t magic;
  uint32_t version;
  uint32_t size;
  /// The inode of /proc/self/ns/pid: thread ids of another namespace mean nothing here.
  uint64_t pidNamespace;
  alignas(64) Monitor monitor;
  alignas(64) uint64_t sequence;
  /// Nobody has it any more, and nobody may come: its name goes.
  uint32_t retired;
  uint32_t usedWaiters;
  uint32_t freeWaiter;
  uint32_t occupied;
};

/// One attached environment: the main thread of a process, or a worker.
///
///  0      4      8          12    16       24      28      32            36
///  +------+------+----------+-----+--------+-------+-------+-------------+--------+
///  | life*| bell | sync bell| pid*| start* |thread*| stale | first rung  | drains |
///  +------+------+----------+-----+--------+-------+-------+-------------+--------+
struct alignas(64) Slot {
  /// 0: nobody. Otherwise the thread id of its keeper with FUTEX_WAITERS, in that thread's robust list, so that the
  /// kernel adds FUTEX_OWNER_DIED, wakes who watches it, and takes the thread id away.
  std::atomic<uint32_t> life;
  /// Its keeper sleeps here,
  std::atomic<uint32_t> bell;
  /// and here its own thread when it blocks.
  std::atomic<uint32_t> syncBell;
  uint32_t pid;
  /// When that process started, in clock ticks since boot, for a pid may be another process now; proc(5).
  uint64_t start;
  uint32_t thread;
  /// Its event loop has left an offer unanswered: what is offered to it is offered to the next as well.
  uint32_t stale;
  /// Waiters that have news for its event loop.
  std::atomic<uint32_t> rung;
  /// So often its event loop has looked.
  std::atomic<uint32_t> drains;
};

/// One primitive.
///
///  0      4      8   12  16         24      28    32    36      40   44        48        96
///  +------+------+---+---+----------+-------+-----+-----+-------+----+---------+---------+
///  | word*| type*| a*| b*| notified*|broken*| head| tail| queued| sum| last pid| name*   |
///  +------+------+---+---+----------+-------+-----+-----+-------+----+---------+---------+
struct alignas(128) Object {
  /// Mutex and RWLock: owner and flags. Event: epoch << 1 | set. Barrier: the generation.
  std::atomic<uint32_t> word;
  /// Stored last: until then there is no object.
  std::atomic<uint32_t> type;
  /// Semaphore: permits in all, free or held. Condition: its mutex. Barrier: the parties.
  uint32_t a;
  /// Semaphore: as many as there may be, 0: any number.
  uint32_t b;
  /// Condition: who has queued up to this sequence is notified.
  uint64_t notified;
  /// Barrier: the error number of those who wait and come, 0: none.
  uint32_t broken;
  uint32_t head;
  uint32_t tail;
  uint32_t queued;
  /// Of holders.
  uint32_t sum;
  /// Mutex and RWLock: the process that died last as owner, for messages.
  uint32_t lastPid;
  static constexpr size_t kName = 48;
  char name[kName];
};

/// Somebody in the queue of an object, or served, with the news on the way to its event loop.
///
///  0      4       8     12  16        24     32     36      40   44   48        52        56      60
///  +------+-------+-----+---+---------+------+------+-------+----+----+---------+---------+-------+---------+
///  |state*|object*|slot*|op*|sequence*| since|epoch*|result*|next|prev|rung next|rung prev|offered|blocking*|
///  +------+-------+-----+---+---------+------+------+-------+----+----+---------+---------+-------+---------+
struct alignas(64) Waiter {
  std::atomic<uint32_t> state;
  uint32_t object;
  uint32_t slot;
  uint32_t op;
  /// The order of the queue.
  uint64_t sequence;
  /// CLOCK_MONOTONIC, ns.
  uint64_t since;
  /// Event: the epoch, Barrier: the generation, in which it came.
  uint32_t epoch;
  /// Granted: what its event loop is told. Of a barrier: its index. Of a condition: 0 or -ECANCELED, told with the mutex.
  int32_t result;
  uint32_t next;
  uint32_t prev;
  uint32_t rungNext;
  uint32_t rungPrev;
  /// What it waits for was free: it may come and take it.
  std::atomic<uint32_t> offered;
  /// A thread blocks for it, instead of an event loop.
  uint32_t blocking;
};

struct Region {
  alignas(4096) Header header;
  alignas(4096) Slot slots[kSlots];
  Object objects[kObjects];
  /// *, of each object what each slot holds: permits, reads; of a barrier whether it has been there.
  std::atomic<uint32_t> holders[kObjects][kSlots];
  Waiter waiters[kWaiters];

  // Others can write here: no index reaches beyond its table.
  Slot& slot(uint32_t index) { return slots[index % kSlots]; }
  Object& object(uint32_t index) { return objects[index % kObjects]; }
  Waiter& waiter(uint32_t index) { return waiters[index % kWaiters]; }
  uint32_t indexOf(const Object& object) const { return static_cast<uint32_t>(&object - objects); }
  uint32_t indexOf(const Waiter& waiter) const { return static_cast<uint32_t>(&waiter - waiters); }
};

static_assert(sizeof(Slot) == 64 && sizeof(Object) == 128 && sizeof(Waiter) == 64);
static_assert(offsetof(Header, monitor) == 64 && offsetof(Header, sequence) == 128);
static_assert(offsetof(Slot, start) == 16 && offsetof(Slot, drains) == 36);
static_assert(offsetof(Object, notified) == 16 && offsetof(Object, name) == 48);
static_assert(offsetof(Waiter, sequence) == 16 && offsetof(Waiter, blocking) == 60);
static_assert(std::atomic<uint32_t>::is_always_lock_free);

}  // namespace strait::locks
