// Objects, and taking and giving back.

#include "locks.h"

#include <cstring>

namespace strait::locks {
namespace {

constexpr uint32_t kMostPermits = INT32_MAX;

}  // namespace

uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

Session::Session(Region& region, uint32_t self) : region_(region), self_(self) {
  if (!region.header.monitor.lock()) return;
  rebuild();
  ringAll();
  flush();
}

Session::~Session() {
  // Its keeper would only see to it that others have what its event loop does not take.
  if (self_ != 0 && region_.header.occupied == 1) bells_[self_ / 64] &= ~(uint64_t{1} << self_ % 64);
  region_.header.monitor.unlock();
  at(Point::releaseLeft);
  flush();
}

void Session::flush() {
  for (uint32_t part = 0; part < kSlots / 64; part++) {
    for (uint64_t& left = bells_[part]; left != 0; left &= left - 1) {
      Slot& slot = region_.slot(part * 64 + static_cast<uint32_t>(__builtin_ctzll(left)));
      // Pairs with Keeper::hear.
      slot.bell.fetch_add(1, std::memory_order_release);
      futex(&slot.bell, FUTEX_WAKE, INT_MAX);
    }
    for (uint64_t& left = syncBells_[part]; left != 0; left &= left - 1) {
      Slot& slot = region_.slot(part * 64 + static_cast<uint32_t>(__builtin_ctzll(left)));
      // Pairs with block.
      slot.syncBell.fetch_add(1, std::memory_order_release);
      futex(&slot.syncBell, FUTEX_WAKE, INT_MAX);
    }
  }
}

void Session::ring(uint32_t slot, bool blocking) {
  const uint32_t index = slot % kSlots;
  (blocking ? syncBells_ : bells_)[index / 64] |= uint64_t{1} << index % 64;
}

void Session::ringAll() {
  for (uint32_t slot = 1; slot < kSlots; slot++) {
    if (region_.slots[slot].life.load(std::memory_order_relaxed) == 0) continue;
    ring(slot);
    ring(slot, true);
  }
}

// Objects

Outcome Session::object(Type type, const char* name, uint32_t a, uint32_t b) {
  uint32_t place = 0;
  for (uint32_t index = 1; index < kObjects; index++) {
    Object& object = region_.objects[index];
    const uint32_t has = object.type.load(std::memory_order_relaxed);
    if (has == kNothing) {
      if (place == 0) place = index;
    } else if (std::strncmp(object.name, name, Object::kName) == 0) {
      const bool same = has == type && (type != kBarrier || object.a == a) && (type != kCondition || object.a == a) &&
                        (type != kSemaphore || (object.b != 0) == (b != 0));
      return same ? Outcome{index} : -EEXIST;
    }
  }
  if (place == 0) return -ENOSPC;
  Object& object = region_.objects[place];
  object.word.store(0, std::memory_order_relaxed);
  object.a = a;
  object.b = b;
  object.notified = 0;
  object.broken = object.head = object.tail = object.queued = object.sum = object.lastPid = 0;
  std::strncpy(object.name, name, Object::kName - 1);
  object.name[Object::kName - 1] = 0;
  for (auto& holder : region_.holders[place]) holder.store(0, std::memory_order_relaxed);
  object.type.store(type, std::memory_order_release);
  return place;
}

Outcome Session::remove(Object& object) {
  const uint32_t type = object.type.load(std::memory_order_relaxed);
  const bool owned = isOwned(object) && (object.word.load(std::memory_order_relaxed) & kOwner) != 0;
  const bool held = type != kBarrier && object.sum != 0;
  if (owned || held || object.queued != 0) return -EBUSY;
  object.type.store(kNothing, std::memory_order_relaxed);
  return 0;
}

// Taking

void Session::hold(uint32_t object, uint32_t slot, int32_t change) {
  region_.holders[object % kObjects][slot % kSlots].fetch_add(static_cast<uint32_t>(change), std::memory_order_relaxed);
  region_.object(object).sum += static_cast<uint32_t>(change);
}

/// Mutex, or the right to write. Whoever has no need of the monitor changes the word of a mutex meanwhile.
Outcome Session::takeOwned(Object& object, uint32_t slot, uint32_t op) {
  uint32_t seen = object.word.load(std::memory_order_relaxed);
  for (;;) {
    if ((seen & kPoisoned) != 0 && (op & kRepair) == 0) return -EOWNERDEAD;
    if ((seen & kOwner) != 0 || readers(object) > 0) return -EAGAIN;
    uint32_t next = seen | slot;
    if ((seen & kPoisoned) != 0) next = (next | kDied) & ~kPoisoned;
    // Pairs with release.
    if (object.word.compare_exchange_weak(seen, next, std::memory_order_acquire, std::memory_order_relaxed)) {
      return (next & kDied) != 0 ? 1 : 0;
    }
  }
}

/// Whoever else waits.
Outcome Session::take(Object& object, uint32_t slot, uint32_t op) {
  const uint32_t word = object.word.load(std::memory_order_relaxed);
  switch (object.type.load(std::memory_order_relaxed)) {
    case kMutex:
      return takeOwned(object, slot, op);
    case kRWLock:
      if ((op & kRead) == 0) return takeOwned(object, slot, op);
      if ((word & kOwner) != 0) return -EAGAIN;
      if ((word & (kDied | kPoisoned)) != 0) return -EOWNERDEAD;
      break;
    case kSemaphore:
      if (object.a <= object.sum) return -EAGAIN;
      break;
    case kEvent:
      return isSet(object) ? 0 : -EAGAIN;
    default:
      return -EINVAL;
  }
  at(Point::takeStarted);
  hold(region_.indexOf(object), slot, 1);
  at(Point::takeDone);
  return 0;
}

/// Whether somebody who is not in the queue may take it. Readers would keep a writer waiting for ever.
bool Session::mayTry(const Object& object) const {
  if (object.type.load(std::memory_order_relaxed) == kRWLock) return object.queued == 0;
  if (object.type.load(std::memory_order_relaxed) == kEvent) return true;
  return (object.word.load(std::memory_order_relaxed) & kStarving) == 0;
}

Outcome Session::tryTake(Object& object, uint32_t slot, uint32_t op) {
  if (mayTry(object)) return take(object, slot, op);
  const bool poisoned = isOwned(object) && (object.word.load(std::memory_order_relaxed) & kPoisoned) != 0;
  return poisoned && (op & kRepair) == 0 ? -EOWNERDEAD : -EAGAIN;
}

Outcome Session::wait(Object& object, uint32_t slot, uint32_t op, bool blocking) {
  if (object.type.load(std::memory_order_relaxed) == kBarrier) return arrive(object, slot, blocking);
  const Outcome taken = tryTake(object, slot, op);
  if (taken != -EAGAIN) return taken;
  const uint32_t index = allocate(object, slot, op, blocking);
  if (index == 0) return -ENOBUFS;
  push(object, region_.waiter(index));
  at(Point::waitQueued);
  mark(object);
  // It may have been released before that.
  settle(object);
  return kWaits + index;
}

Outcome Session::arrive(Object& barrier, uint32_t slot, bool blocking) {
  if (barrier.broken != 0) return -static_cast<Outcome>(barrier.broken);
  std::atomic<uint32_t>& been = region_.holders[region_.indexOf(barrier)][slot];
  if (been.load(std::memory_order_relaxed) == 0) hold(region_.indexOf(barrier), slot, 1);
  if (barrier.queued + 1 >= barrier.a) {
    barrier.word.fetch_add(1, std::memory_order_release);
    at(Point::barrierOpened);
    settle(barrier);
    return barrier.a - 1;
  }
  const uint32_t index = allocate(barrier, slot, 0, blocking);
  if (index == 0) return -ENOBUFS;
  Waiter& waiter = region_.waiter(index);
  waiter.result = static_cast<int32_t>(barrier.queued);
  push(barrier, waiter);
  at(Point::waitQueued);
  return kWaits + index;
}

Outcome Session::waitForNotice(Object& condition, uint32_t slot, bool blocking) {
  Object& mutex = region_.object(condition.a);
  if ((mutex.word.load(std::memory_order_relaxed) & kOwner) != slot) return -EPERM;
  const uint32_t index = allocate(condition, slot, kNotice, blocking);
  if (index == 0) return -ENOBUFS;
  push(condition, region_.waiter(index));
  at(Point::conditionQueued);
  release(mutex, slot, 0);
  return kWaits + index;
}

Outcome Session::cancel(Waiter& waiter, uint32_t slot) {
  if (waiter.slot != slot) return -EINVAL;
  if (waiter.state.load(std::memory_order_relaxed) == kGranted) return -EALREADY;
  if (waiter.state.load(std::memory_order_relaxed) != kQueued) return -EINVAL;
  Object& object = region_.object(waiter.object);
  if (object.type.load(std::memory_order_relaxed) == kCondition) {
    waiter.result = -ECANCELED;
    Object& mutex = region_.object(object.a);
    move(waiter, mutex);
    settle(mutex);
    return -EINPROGRESS;
  }
  // Whose notice has come has it.
  if ((waiter.op & kNotice) != 0) return -EALREADY;
  unlink(waiter);
  if (waiter.offered.load(std::memory_order_relaxed) != 0) untell(object);
  if (object.type.load(std::memory_order_relaxed) == kBarrier) {
    for (uint32_t next = waiter.next; next != 0; next = region_.waiter(next).next) region_.waiter(next).result--;
  }
  free(waiter);
  at(Point::cancelRemoved);
  unmark(object);
  // What was offered to it, and what only it was in the way of.
  settle(object);
  return 0;
}

// Giving back

Outcome Session::release(Object& object, uint32_t slot, uint32_t op) {
  const uint32_t index = region_.indexOf(object);
  if (object.type.load(std::memory_order_relaxed) == kSemaphore || (op & kRead) != 0) {
    if (region_.holders[index][slot].load(std::memory_order_relaxed) == 0) return -EPERM;
    at(Point::releaseStarted);
    hold(index, slot, -1);
  } else {
    const uint32_t seen = object.word.load(std::memory_order_relaxed);
    if (!isOwned(object) || (seen & kOwner) != slot) return -EPERM;
    at(Point::releaseStarted);
    uint32_t next = seen & ~kOwner;
    if ((seen & kDied) != 0) next = (next | kPoisoned) & ~kDied;
    // Only the monitor changes the word of what is owned. Pairs with takeOwned, and with the one in JavaScript.
    object.word.store(next, std::memory_order_release);
  }
  at(Point::releaseFreed);
  settle(object);
  at(Point::releaseOffered);
  return 0;
}

Outcome Session::markConsistent(Object& object, uint32_t slot) {
  if (!isOwned(object) || (object.word.load(std::memory_order_relaxed) & kOwner) != slot) return -EPERM;
  object.word.fetch_and(~kDied, std::memory_order_relaxed);
  return 0;
}

Outcome Session::add(Object& semaphore, uint32_t count) {
  const uint32_t most = semaphore.b != 0 ? semaphore.b : kMostPermits;
  if (count > most || semaphore.a > most - count) return -ERANGE;
  semaphore.a += count;
  at(Point::addDone);
  settle(semaphore);
  return 0;
}

Outcome Session::forget(Object& semaphore, uint32_t slot) {
  const uint32_t index = region_.indexOf(semaphore);
  if (region_.holders[index][slot].load(std::memory_order_relaxed) == 0) return -EPERM;
  // In between there is one too few that nobody can take yet, and never one too many.
  semaphore.a--;
  at(Point::forgetTotal);
  hold(index, slot, -1);
  return 0;
}

void Session::set(Object& event) {
  if (isSet(event)) return;
  // Whoever waits has come in an older epoch: clear() does not undo this.
  event.word.store((epochOf(event) + 1) << 1 | 1, std::memory_order_release);
  at(Point::eventSet);
  settle(event);
}

void Session::clear(Object& event) { event.word.fetch_and(~1u, std::memory_order_relaxed); }

void Session::notify(Object& condition, uint32_t count) {
  Object& mutex = region_.object(condition.a);
  for (; count > 0 && condition.head != 0; count--) move(region_.waiter(condition.head), mutex);
  settle(mutex);
}

void Session::notifyAll(Object& condition) {
  condition.notified = region_.header.sequence;
  at(Point::notifyAll);
  settle(condition);
}

void Session::breakBarrier(Object& barrier, uint32_t error) {
  barrier.broken = error;
  settle(barrier);
}

void Session::resetBarrier(Object& barrier) {
  // Whoever waits belongs to a generation that will not come.
  breakBarrier(barrier, ECANCELED);
  const uint32_t index = region_.indexOf(barrier);
  for (auto& been : region_.holders[index]) been.store(0, std::memory_order_relaxed);
  barrier.sum = 0;
  barrier.broken = 0;
}

}  // namespace strait::locks
