// The one lock that is in the kernel's robust list of whoever holds it; get_robust_list(2), "A description of what
// robust futexes are", and "Robust futex ABI" in the kernel's documentation.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "patience.h"
#include "points.h"

namespace strait::locks {

inline int64_t futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* limit = nullptr) {
  const long result = syscall(SYS_futex, word, operation, value, limit, nullptr, 0);
  return result < 0 ? -errno : result;
}

inline uint32_t threadId() {
  thread_local const auto id = static_cast<uint32_t>(syscall(SYS_gettid));
  return id;
}

/// What this thread tells the kernel of locks that it is about to take or to release. libc has registered a list for
/// each thread, or we have.
class RobustList {
 public:
  static RobustList& ofThisThread() {
    thread_local RobustList list;
    return list;
  }

  /// Whether the kernel knows a list of this thread.
  bool known() const { return head_ != nullptr; }

  /// From now on, when this thread is killed, the kernel looks whether this word is its own.
  void begin(std::atomic<uint32_t>* word) {
    set(reinterpret_cast<robust_list*>(reinterpret_cast<char*>(word) - head_->futex_offset));
  }
  void end() { set(nullptr); }

 private:
  RobustList() {
    size_t size = 0;
    if (syscall(SYS_get_robust_list, 0, &head_, &size) < 0 || size != sizeof *head_) head_ = nullptr;
  }
  /// The kernel reads it when this very thread has ended: only the compiler must keep the order.
  void set(robust_list* pending) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    *static_cast<robust_list* volatile*>(&head_->list_op_pending) = pending;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  robust_list_head* head_ = nullptr;
};

/// Whether it pays this thread to look again instead of sleeping: not where it has one processor, nor for a keeper.
inline thread_local bool manyProcessors = false;

/// A futex that holds the thread id of its owner. Held for the time of some hundred instructions, and never across a
/// call into JavaScript; who waits for it blocks.
///
/// - Owner death: exactly one of the next owners is told.
/// - Fairness: none.
/// - Memory order: what was written before unlock is seen after lock.
class Monitor {
 public:
  /// Whether an owner has died here.
  bool lock() {
    RobustList::ofThisThread().begin(&word_);
    at(Point::monitorEnter);
    uint32_t seen = 0;
    // Pairs with the stores of unlock, here and below.
    if (word_.compare_exchange_strong(seen, threadId(), std::memory_order_acquire)) return false;
    for (int looks = manyProcessors ? kLooks : 0; looks > 0; looks--) {
      if ((seen & FUTEX_TID_MASK) == 0 && take(seen)) return (seen & FUTEX_OWNER_DIED) != 0;
      relax();
      seen = word_.load(std::memory_order_relaxed);
    }
    for (;;) {
      if ((seen & FUTEX_TID_MASK) == 0) {
        if (take(seen)) return (seen & FUTEX_OWNER_DIED) != 0;
      } else if ((seen & FUTEX_WAITERS) != 0 ||
                 word_.compare_exchange_strong(seen, seen | FUTEX_WAITERS, std::memory_order_relaxed)) {
        at(Point::monitorSleep);
        futex(&word_, FUTEX_WAIT, seen | FUTEX_WAITERS);
        at(Point::monitorWoken);
        seen = word_.load(std::memory_order_relaxed);
      }
    }
  }

  void unlock() {
    at(Point::monitorLeave);
    uint32_t seen = threadId();
    // Pairs with lock.
    if (!word_.compare_exchange_strong(seen, 0, std::memory_order_release, std::memory_order_relaxed)) {
      // The bit stays: who takes it now, while the one that is woken is killed, must wake the next one.
      word_.store(FUTEX_WAITERS, std::memory_order_release);
      at(Point::monitorWake);
      if (futex(&word_, FUTEX_WAKE, 1) == 0) unmark();
    }
    RobustList::ofThisThread().end();
  }

  /// Everybody looks again.
  void wakeAll() { futex(&word_, FUTEX_WAKE, INT_MAX); }

 private:
  static constexpr int kLooks = 100;

  /// Nobody has slept. Takes the bit away, whoever has the word now, and wakes who has come to sleep by it since: the
  /// kernel does both at once. With a compare-and-swap of our own it could be somebody else's bit by now; monitor.pml.
  void unmark() {
    constexpr auto operation = FUTEX_OP(FUTEX_OP_ANDN | FUTEX_OP_OPARG_SHIFT, 31, FUTEX_OP_CMP_NE, 0);
    syscall(SYS_futex, &word_, FUTEX_WAKE_OP, INT_MAX, 0, &word_, operation);
  }

  bool take(uint32_t& seen) {
    return word_.compare_exchange_strong(seen, threadId() | (seen & FUTEX_WAITERS), std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  std::atomic<uint32_t> word_;
};

}  // namespace strait::locks
