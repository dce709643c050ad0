// Who takes part, what becomes of what a dead one had, and everything derived made anew.

#include <algorithm>
#include <vector>

#include "locks.h"

namespace strait::locks {

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

/// Whoever waits for a change under this mutex looks again; rebuild() sees to it.
void Session::renotify(const Object& mutex) {
  for (uint32_t index = 1; index < kObjects; index++) {
    Object& condition = region_.objects[index];
    if (condition.type.load(std::memory_order_relaxed) != kCondition || condition.a != region_.indexOf(mutex)) continue;
    condition.notified = region_.header.sequence;
  }
}

/// An owner has died: the next one is told.
void Session::disown(Object& object, uint32_t slot) {
  const uint32_t seen = object.word.load(std::memory_order_relaxed);
  if ((seen & kOwner) != slot) return;
  object.lastPid = region_.slot(slot).pid;
  // A change that now nobody announces. First: the word says that there is something to do.
  renotify(object);
  object.word.store((seen & ~kOwner) | kDied, std::memory_order_release);
}

void Session::strip(uint32_t slot) {
  // Those that wait first, so that nothing is offered to them any more.
  for (uint32_t index = 1; index <= region_.header.usedWaiters % kWaiters; index++) {
    Waiter& waiter = region_.waiters[index];
    if (waiter.slot != slot || waiter.state.load(std::memory_order_relaxed) == kFree) continue;
    const Object& object = region_.object(waiter.object);
    // A notice that it has got and will not follow. First: until it is free, this is done again.
    if ((waiter.op & kNotice) != 0 && object.type.load(std::memory_order_relaxed) != kCondition) renotify(object);
    waiter.state.store(kFree, std::memory_order_relaxed);
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
