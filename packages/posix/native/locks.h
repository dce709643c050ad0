// The primitives: what happens under the monitor of a region. Knows nothing of Node.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>

#include "region.h"

namespace strait::locks {

/// What a call comes to: `>= 0` or -errno. 1: the owner before died. From kWaits on: it waits, as that waiter.
using Outcome = int64_t;
constexpr Outcome kWaits = 1 << 20;

/// Nanoseconds of CLOCK_MONOTONIC.
uint64_t now();

/// Whether its word has an owner.
inline bool isOwned(const Object& object) {
  const uint32_t type = object.type.load(std::memory_order_relaxed);
  return type == kMutex || type == kRWLock;
}

/// Whether its word has the flags of those who wait.
inline bool isTaken(const Object& object) {
  return isOwned(object) || object.type.load(std::memory_order_relaxed) == kSemaphore;
}

inline uint32_t epochOf(const Object& event) { return event.word.load(std::memory_order_relaxed) >> 1; }
inline bool isSet(const Object& event) { return (event.word.load(std::memory_order_relaxed) & 1) != 0; }

/// The time in the monitor. What was there half done by somebody who was killed is mended first; who is to be woken is
/// woken last, outside: whoever dies before that is reaped, and then everybody is woken.
class Session {
 public:
  /// `self`: the slot of whose event loop this is, if it looks for news itself when the call is back.
  explicit Session(Region& region, uint32_t self = 0);
  ~Session();
  Session(const Session&) = delete;

  // Objects

  /// Finds it by its name, or makes it. -EEXIST: it is another kind of thing; -ENOSPC: there are too many.
  Outcome object(Type type, const char* name, uint32_t a, uint32_t b);
  /// -EBUSY: somebody holds it or waits.
  Outcome remove(Object& object);

  // Taking and giving back

  /// Without waiting; -EAGAIN: not now.
  Outcome tryTake(Object& object, uint32_t slot, uint32_t op);
  /// Takes it, or queues up.
  Outcome wait(Object& object, uint32_t slot, uint32_t op, bool blocking);
  /// Of a condition: gives its mutex back and queues up, at once.
  Outcome waitForNotice(Object& condition, uint32_t slot, bool blocking);
  /// Leaves the queue. -EALREADY: it has been served, the news is on the way; -EINPROGRESS: of a condition, once it has
  /// the mutex again, with the outcome -ECANCELED, or one less where the owner before died.
  Outcome cancel(Waiter& waiter, uint32_t slot);
  Outcome release(Object& object, uint32_t slot, uint32_t op);
  Outcome markConsistent(Object& object, uint32_t slot);

  // What else there is to do with some

  /// Semaphore: so many more. -ERANGE: more than there may be.
  Outcome add(Object& semaphore, uint32_t count);
  /// A permit never comes back.
  Outcome forget(Object& semaphore, uint32_t slot);
  void set(Object& event);
  void clear(Object& event);
  void notify(Object& condition, uint32_t count);
  void notifyAll(Object& condition);
  void breakBarrier(Object& barrier, uint32_t error);
  void resetBarrier(Object& barrier);

  // Serving

  /// Takes what was offered to one of a slot's event loop. false: it has lost, and stays in the queue.
  bool serve(Waiter& waiter, Outcome& outcome);
  /// Takes the next waiter that there is news for; nullptr: none.
  Waiter* nextRung(uint32_t slot);
  void drained(uint32_t slot);
  /// The event loop of a slot has not looked since it had looked so often: its offers are made to the next as well.
  void passOn(uint32_t slot, uint32_t drains);

  // Slots

  /// 0: all are taken.
  uint32_t freeSlot();
  /// Takes from a slot all that it has: its process has ended, or it leaves. It stays occupied.
  void strip(uint32_t slot);
  /// It is free, and whoever watches it looks for the next one, in one step.
  void vacate(uint32_t slot);
  /// The nearest occupied one before it; 0: none.
  uint32_t before(uint32_t slot);
  /// After one was taken or has become free.
  void count();
  void ring(uint32_t slot, bool blocking = false);
  void ringAll();
  /// Rings now, in the monitor, what would otherwise be rung at the end: whoever is killed before it is done leaves a
  /// monitor that the next one mends, and then all are rung. For steps after which nobody would reap this slot.
  void flush();

  /// Makes everything derived anew.
  void rebuild();
  /// 0, or where it is not as rebuild would make it.
  Outcome check();

 private:
  bool mayTry(const Object& object) const;
  Outcome take(Object& object, uint32_t slot, uint32_t op);
  Outcome takeOwned(Object& object, uint32_t slot, uint32_t op);
  Outcome arrive(Object& barrier, uint32_t slot, bool blocking);
  uint32_t readers(const Object& object) const { return object.sum; }
  void hold(uint32_t object, uint32_t slot, int32_t change);

  uint32_t allocate(Object& object, uint32_t slot, uint32_t op, bool blocking);
  void free(Waiter& waiter);
  void push(Object& object, Waiter& waiter);
  void unlink(Waiter& waiter);
  void mark(Object& object);
  void unmark(Object& object);
  bool untell(Object& object);
  void pushRung(Waiter& waiter);
  void removeRung(Waiter& waiter);
  void offer(Waiter& waiter);
  void grant(Waiter& waiter, int32_t result);
  void move(Waiter& waiter, Object& mutex);

  void settle(Object& object);
  void settleOffers(Object& object);
  void renotify(const Object& mutex);
  void disown(Object& object, uint32_t slot);

  Region& region_;
  uint32_t self_;
  uint64_t bells_[kSlots / 64] = {};
  uint64_t syncBells_[kSlots / 64] = {};
};

/// The next occupied slot behind it, in a circle; 0: none.
uint32_t after(Region& region, uint32_t slot);

}  // namespace strait::locks
