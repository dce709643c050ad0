#include "locks.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace strait::locks {
namespace {

/// Who has waited so long, ns, and then lost to somebody who came later, does not lose again.
constexpr uint64_t kPatience = 1'000'000;

constexpr uint32_t kMostPermits = INT32_MAX;

bool isOwned(const Object& object) {
  const uint32_t type = object.type.load(std::memory_order_relaxed);
  return type == kMutex || type == kRWLock;
}

/// Whether it has these flags.
bool isTaken(const Object& object) {
  return isOwned(object) || object.type.load(std::memory_order_relaxed) == kSemaphore;
}

uint32_t epochOf(const Object& event) { return event.word.load(std::memory_order_relaxed) >> 1; }
bool isSet(const Object& event) { return (event.word.load(std::memory_order_relaxed) & 1) != 0; }

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
  slot %= kSlots;
  (blocking ? syncBells_ : bells_)[slot / 64] |= uint64_t{1} << slot % 64;
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

// Waiters and queues

uint32_t Session::allocate(Object& object, uint32_t slot, uint32_t op, bool blocking) {
  Header& header = region_.header;
  uint32_t index = header.freeWaiter % kWaiters;
  if (index != 0) {
    header.freeWaiter = region_.waiters[index].next;
  } else {
    if (header.usedWaiters + 1 >= kWaiters) return 0;
    index = ++header.usedWaiters;
  }
  at(Point::waitAllocated);
  Waiter& waiter = region_.waiters[index];
  waiter.object = region_.indexOf(object);
  waiter.slot = slot;
  waiter.op = op;
  waiter.since = now();
  waiter.epoch = object.type.load(std::memory_order_relaxed) == kEvent ? epochOf(object)
                                                                      : object.word.load(std::memory_order_relaxed);
  waiter.result = 0;
  waiter.rungNext = waiter.rungPrev = 0;
  waiter.offered.store(0, std::memory_order_relaxed);
  waiter.blocking = blocking ? 1 : 0;
  return index;
}

void Session::free(Waiter& waiter) {
  waiter.state.store(kFree, std::memory_order_relaxed);
  waiter.next = region_.header.freeWaiter;
  region_.header.freeWaiter = region_.indexOf(waiter);
}

/// At the end of the queue. A waiter of another queue is in this one from the store of its object on.
void Session::push(Object& object, Waiter& waiter) {
  const uint32_t index = region_.indexOf(waiter);
  waiter.sequence = ++region_.header.sequence;
  waiter.state.store(kQueued, std::memory_order_relaxed);
  waiter.next = 0;
  waiter.prev = object.tail;
  if (object.tail == 0) {
    object.head = index;
  } else {
    region_.waiter(object.tail).next = index;
  }
  object.tail = index;
  object.queued++;
}

void Session::unlink(Waiter& waiter) {
  Object& object = region_.object(waiter.object);
  (waiter.prev == 0 ? object.head : region_.waiter(waiter.prev).next) = waiter.next;
  (waiter.next == 0 ? object.tail : region_.waiter(waiter.next).prev) = waiter.prev;
  object.queued--;
  removeRung(waiter);
}

/// Who releases it from now on looks into the queue.
void Session::mark(Object& object) {
  if (isOwned(object)) object.word.fetch_or(kWaiting, std::memory_order_relaxed);
  at(Point::waitMarked);
}

/// Who was told has come, or will not: from now on, whoever releases it tells the next. Whether it was free then.
bool Session::untell(Object& object) {
  if (object.type.load(std::memory_order_relaxed) != kMutex) return false;
  return (object.word.fetch_and(~kTold, std::memory_order_relaxed) & kOwner) == 0;
}

/// After somebody has left the queue.
void Session::unmark(Object& object) {
  if (isTaken(object) && object.queued == 0) object.word.fetch_and(~(kWaiting | kStarving | kTold), std::memory_order_relaxed);
}

void Session::pushRung(Waiter& waiter) {
  Slot& slot = region_.slot(waiter.slot);
  const uint32_t index = region_.indexOf(waiter);
  if (waiter.rungPrev != 0 || waiter.rungNext != 0 || slot.rung.load(std::memory_order_relaxed) == index) return;
  // At the end; the first one's rungPrev is the last.
  const uint32_t first = slot.rung.load(std::memory_order_relaxed);
  if (first == 0) {
    waiter.rungPrev = index;
    slot.rung.store(index, std::memory_order_relaxed);
    return;
  }
  Waiter& head = region_.waiter(first);
  waiter.rungPrev = head.rungPrev;
  region_.waiter(head.rungPrev).rungNext = index;
  head.rungPrev = index;
}

void Session::removeRung(Waiter& waiter) {
  if (waiter.rungPrev == 0) return;
  Slot& slot = region_.slot(waiter.slot);
  const uint32_t first = slot.rung.load(std::memory_order_relaxed);
  if (first == region_.indexOf(waiter)) {
    slot.rung.store(waiter.rungNext, std::memory_order_relaxed);
    if (waiter.rungNext != 0) region_.waiter(waiter.rungNext).rungPrev = waiter.rungPrev;
  } else {
    region_.waiter(waiter.rungPrev).rungNext = waiter.rungNext;
    region_.waiter(waiter.rungNext != 0 ? waiter.rungNext : first).rungPrev = waiter.rungPrev;
  }
  waiter.rungNext = waiter.rungPrev = 0;
}

/// There is something for it.
void Session::offer(Waiter& waiter) {
  waiter.offered.store(1, std::memory_order_release);
  if (!waiter.blocking) pushRung(waiter);
  ring(waiter.slot, waiter.blocking != 0);
}

/// It is served: nothing is to be taken any more.
void Session::grant(Waiter& waiter, int32_t result) {
  Object& object = region_.object(waiter.object);
  unlink(waiter);
  waiter.result = result;
  waiter.state.store(kGranted, std::memory_order_release);
  at(Point::granted);
  offer(waiter);
  unmark(object);
}

/// From the queue of a condition to that of its mutex. The sequence comes after the object: in between it is too early
/// in the new queue, and never too late in the old one.
void Session::move(Waiter& waiter, Object& mutex) {
  unlink(waiter);
  waiter.object = region_.indexOf(mutex);
  at(Point::notifyMoved);
  waiter.since = now();
  push(mutex, waiter);
  mark(mutex);
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
bool Session::mayTry(Object& object, uint32_t) const {
  if (object.type.load(std::memory_order_relaxed) == kRWLock) return object.queued == 0;
  if (object.type.load(std::memory_order_relaxed) == kEvent) return true;
  return (object.word.load(std::memory_order_relaxed) & kStarving) == 0;
}

Outcome Session::tryTake(Object& object, uint32_t slot, uint32_t op) {
  if (mayTry(object, op)) return take(object, slot, op);
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

// Serving

/// After anything has changed: who can be served is, and what is free is offered to the first.
void Session::settle(Object& object) {
  switch (object.type.load(std::memory_order_relaxed)) {
    case kEvent:
      for (uint32_t index = object.head, left = kWaiters; index != 0 && left > 0; left--) {
        Waiter& waiter = region_.waiter(index);
        index = waiter.next;
        if (isSet(object) || waiter.epoch != epochOf(object)) grant(waiter, 0);
      }
      return;
    case kBarrier:
      for (uint32_t index = object.head, left = kWaiters; index != 0 && left > 0; left--) {
        Waiter& waiter = region_.waiter(index);
        index = waiter.next;
        if (waiter.epoch != object.word.load(std::memory_order_relaxed)) {
          grant(waiter, waiter.result);
        } else if (object.broken != 0) {
          grant(waiter, -static_cast<int32_t>(object.broken));
        }
      }
      return;
    case kCondition: {
      Object& mutex = region_.object(object.a);
      for (uint32_t left = kWaiters; object.head != 0 && left > 0; left--) {
        Waiter& waiter = region_.waiter(object.head);
        if (waiter.sequence > object.notified) break;
        move(waiter, mutex);
      }
      settleOffers(mutex);
      return;
    }
    default:
      settleOffers(object);
  }
}

/// To as many as there is something for, from the first on, but not counting those whose event loop does not answer.
void Session::settleOffers(Object& object) {
  const uint32_t type = object.type.load(std::memory_order_relaxed);
  const uint32_t word = object.word.load(std::memory_order_relaxed);
  const bool poisoned = isOwned(object) && (word & kPoisoned) != 0;
  const bool unreadable = type == kRWLock && (word & kOwner) == 0 && (word & (kDied | kPoisoned)) != 0;
  uint32_t room = 0;
  if (type == kSemaphore) {
    room = object.a > object.sum ? object.a - object.sum : 0;
  } else if ((word & kOwner) == 0) {
    room = type == kMutex ? 1 : kWaiters;
  }
  // Of an RWLock: nobody who writes comes after somebody who reads.
  bool reading = type == kRWLock && object.sum > 0;
  for (uint32_t index = object.head, left = kWaiters; index != 0 && left > 0 && (room > 0 || poisoned || unreadable);
       left--) {
    Waiter& waiter = region_.waiter(index);
    index = waiter.next;
    const bool reads = (waiter.op & kRead) != 0;
    if ((poisoned && (waiter.op & kRepair) == 0) || (unreadable && reads)) {
      grant(waiter, -EOWNERDEAD);
      continue;
    }
    if (room == 0) continue;
    if (type == kRWLock && !reads && reading) return;
    if (waiter.offered.load(std::memory_order_relaxed) == 0) offer(waiter);
    if (!waiter.blocking && region_.slot(waiter.slot).stale != 0) continue;
    if (reads) {
      reading = true;
    } else {
      room = type == kRWLock ? 0 : room - 1;
      if (type == kMutex && (word & kStarving) == 0) object.word.fetch_or(kTold, std::memory_order_relaxed);
    }
  }
}

bool Session::serve(Waiter& waiter, Outcome& outcome) {
  if (waiter.state.load(std::memory_order_relaxed) == kGranted) {
    outcome = waiter.result;
    removeRung(waiter);
    free(waiter);
    return true;
  }
  Object& object = region_.object(waiter.object);
  waiter.offered.store(0, std::memory_order_relaxed);
  removeRung(waiter);
  Outcome taken = take(object, waiter.slot, waiter.op);
  // It may have been given back, without a word, before the flag was gone.
  while (taken == -EAGAIN && untell(object)) taken = take(object, waiter.slot, waiter.op);
  if (taken == -EAGAIN) {
    // Somebody came in between.
    if (now() - waiter.since > kPatience) object.word.fetch_or(kStarving, std::memory_order_relaxed);
    return false;
  }
  at(Point::drainTaken);
  // Who has waited for a notice in vain is told so, and holds the mutex, whatever its state.
  outcome = waiter.result < 0 && taken >= 0 ? waiter.result - taken : taken;
  unlink(waiter);
  free(waiter);
  object.word.fetch_and(~(kStarving | kTold), std::memory_order_relaxed);
  unmark(object);
  if (object.type.load(std::memory_order_relaxed) == kRWLock) settle(object);
  return true;
}

Waiter* Session::nextRung(uint32_t slot) {
  const uint32_t index = region_.slot(slot).rung.load(std::memory_order_relaxed);
  return index == 0 ? nullptr : &region_.waiter(index);
}

void Session::drained(uint32_t index) {
  Slot& slot = region_.slot(index);
  slot.stale = 0;
  slot.drains.fetch_add(1, std::memory_order_relaxed);
}

void Session::passOn(uint32_t index, uint32_t drains) {
  Slot& slot = region_.slot(index);
  if (slot.drains.load(std::memory_order_relaxed) != drains) return;
  slot.stale = 1;
  bool settled[kObjects] = {};
  uint32_t left = kWaiters;
  for (uint32_t each = slot.rung.load(std::memory_order_relaxed); each != 0 && left > 0; left--) {
    Waiter& waiter = region_.waiter(each);
    each = waiter.rungNext;
    if (waiter.state.load(std::memory_order_relaxed) != kQueued || settled[waiter.object % kObjects]) continue;
    settled[waiter.object % kObjects] = true;
    untell(region_.object(waiter.object));
    // Of the same slot it adds only behind this one.
    settle(region_.object(waiter.object));
  }
  at(Point::passedOn);
}

// Slots

uint32_t Session::freeSlot() {
  for (uint32_t index = 1; index < kSlots; index++) {
    if (region_.slots[index].life.load(std::memory_order_relaxed) == 0) return index;
  }
  return 0;
}

uint32_t Session::before(uint32_t slot) {
  for (uint32_t step = 1; step < kSlots; step++) {
    const uint32_t index = (slot + kSlots - step) % kSlots;
    if (index != 0 && region_.slots[index].life.load(std::memory_order_relaxed) != 0) return index;
  }
  return 0;
}

uint32_t after(Region& region, uint32_t slot) {
  for (uint32_t step = 1; step < kSlots; step++) {
    const uint32_t index = (slot + step) % kSlots;
    if (index != 0 && region.slots[index].life.load(std::memory_order_acquire) != 0) return index;
  }
  return 0;
}

/// An owner has died: the next one is told.
void Session::disown(Object& object, uint32_t slot) {
  const uint32_t seen = object.word.load(std::memory_order_relaxed);
  if ((seen & kOwner) != slot) return;
  object.lastPid = region_.slot(slot).pid;
  // Whoever waits for a change that now nobody announces looks again. First: the word says that there is something to do.
  const uint32_t mutex = region_.indexOf(object);
  for (uint32_t index = 1; index < kObjects; index++) {
    Object& condition = region_.objects[index];
    if (condition.type.load(std::memory_order_relaxed) != kCondition || condition.a != mutex) continue;
    condition.notified = region_.header.sequence;
  }
  object.word.store((seen & ~kOwner) | kDied, std::memory_order_release);
}

void Session::strip(uint32_t slot) {
  // Those that wait first, so that nothing is offered to them any more.
  for (uint32_t index = 1; index <= region_.header.usedWaiters % kWaiters; index++) {
    Waiter& waiter = region_.waiters[index];
    if (waiter.slot == slot) waiter.state.store(kFree, std::memory_order_relaxed);
  }
  at(Point::reapWaiters);
  for (uint32_t index = 1; index < kObjects; index++) {
    Object& object = region_.objects[index];
    const uint32_t type = object.type.load(std::memory_order_relaxed);
    if (type == kNothing) continue;
    if (isOwned(object)) disown(object, slot);
    at(Point::reapOwned);
    std::atomic<uint32_t>& held = region_.holders[index][slot];
    if (held.load(std::memory_order_relaxed) == 0) continue;
    if (type == kBarrier && object.broken == 0) object.broken = EOWNERDEAD;
    held.store(0, std::memory_order_relaxed);
    at(Point::reapHeld);
  }
  rebuild();
  // What it was to wake, too.
  ringAll();
  flush();
}

void Session::vacate(uint32_t slot) {
  std::atomic<uint32_t>& life = region_.slot(slot).life;
  constexpr auto operation = FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0);
  syscall(SYS_futex, &life, FUTEX_WAKE_OP, INT_MAX, 0, &life, operation);
  at(Point::reapFreed);
  count();
}

void Session::count() {
  uint32_t occupied = 0;
  for (const Slot& slot : region_.slots) {
    if (slot.life.load(std::memory_order_relaxed) != 0) occupied++;
  }
  region_.header.occupied = occupied;
}

void Session::rebuild() {
  Header& header = region_.header;
  count();
  header.usedWaiters %= kWaiters;
  header.freeWaiter = 0;
  for (Slot& slot : region_.slots) slot.rung.store(0, std::memory_order_relaxed);
  for (uint32_t index = 1; index < kObjects; index++) {
    Object& object = region_.objects[index];
    object.head = object.tail = object.queued = object.sum = 0;
    if (object.type.load(std::memory_order_relaxed) == kNothing) continue;
    for (const auto& held : region_.holders[index]) object.sum += held.load(std::memory_order_relaxed);
  }
  std::vector<uint32_t> queued;
  for (uint32_t index = header.usedWaiters; index > 0; index--) {
    Waiter& waiter = region_.waiters[index];
    waiter.rungNext = waiter.rungPrev = 0;
    waiter.offered.store(0, std::memory_order_relaxed);
    const uint32_t state = waiter.state.load(std::memory_order_relaxed);
    const bool alive = region_.slot(waiter.slot).life.load(std::memory_order_relaxed) != 0 &&
                       region_.object(waiter.object).type.load(std::memory_order_relaxed) != kNothing;
    if (alive && state == kQueued) {
      queued.push_back(index);
    } else if (alive && state == kGranted) {
      offer(waiter);
    } else {
      free(waiter);
    }
  }
  at(Point::rebuildLists);
  std::stable_sort(queued.begin(), queued.end(), [this](uint32_t left, uint32_t right) {
    return region_.waiters[left].sequence < region_.waiters[right].sequence;
  });
  for (const uint32_t index : queued) {
    Waiter& waiter = region_.waiters[index];
    Object& object = region_.object(waiter.object);
    waiter.next = 0;
    waiter.prev = object.tail;
    (object.tail == 0 ? object.head : region_.waiter(object.tail).next) = index;
    object.tail = index;
    if (object.type.load(std::memory_order_relaxed) == kBarrier &&
        waiter.epoch == object.word.load(std::memory_order_relaxed)) {
      waiter.result = static_cast<int32_t>(object.queued);
    }
    object.queued++;
  }
  for (uint32_t index = 1; index < kObjects; index++) {
    Object& object = region_.objects[index];
    if (object.queued > 0) mark(object);
    unmark(object);
    untell(object);
  }
  for (uint32_t index = 1; index < kObjects; index++) settle(region_.objects[index]);
}

Outcome Session::check() {
  for (uint32_t index = 1; index < kObjects; index++) {
    Object& object = region_.objects[index];
    if (object.type.load(std::memory_order_relaxed) == kNothing) continue;
    uint32_t sum = 0;
    for (const auto& held : region_.holders[index]) sum += held.load(std::memory_order_relaxed);
    if (sum != object.sum) return -(1000 + static_cast<Outcome>(index));
    uint32_t count = 0;
    uint32_t before = 0;
    for (uint32_t each = object.head; each != 0; each = region_.waiter(each).next) {
      const Waiter& waiter = region_.waiter(each);
      if (++count > kWaiters || waiter.prev != before || waiter.object != index ||
          waiter.state.load(std::memory_order_relaxed) != kQueued) {
        return -(2000 + static_cast<Outcome>(index));
      }
      before = each;
    }
    if (count != object.queued || object.tail != before) return -(3000 + static_cast<Outcome>(index));
    const bool marked = (object.word.load(std::memory_order_relaxed) & kWaiting) != 0;
    if (isOwned(object) && marked != (count > 0)) return -(4000 + static_cast<Outcome>(index));
    if (object.type.load(std::memory_order_relaxed) == kSemaphore && object.sum > object.a) {
      return -(5000 + static_cast<Outcome>(index));
    }
  }
  return 0;
}

}  // namespace strait::locks
