// Who waits for what, and who is told that it may come.

#include "locks.h"

namespace strait::locks {
namespace {

/// Who has waited so long, ns, and then lost to somebody who came later, does not lose again.
constexpr uint64_t kPatience = 1'000'000;

}  // namespace

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

}  // namespace strait::locks
