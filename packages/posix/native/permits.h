// A counting semaphore in memory that somebody else can write: whatever stands there, no call ends the process, loops
// for long, or reaches beyond it.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstdint>

namespace strait {

/// Laid out as glibc's sem_t of 64-bit machines, so that sem_wait(3) and sem_post(3) of any program work on it too.
/// glibc's own functions trust the memory: a wrong word at 8 makes them ask the kernel for something else, and then end
/// the process.
///
///  0            4              8             12             32
///  +------------+--------------+-------------+--------------+
///  | value, u32 | waiters, u32 | 128: shared | nothing      |
///  +------------+--------------+-------------+--------------+
class Permits {
 public:
  void init(uint32_t value) {
    word_ = value;
    shared_ = 128;
  }

  /// Takes one, if there is one.
  bool tryTake() {
    uint64_t word = word_.load(std::memory_order_relaxed);
    // Pairs with give.
    for (int tries = kTries; valueIn(word) > 0 && tries > 0; tries--) {
      if (word_.compare_exchange_weak(word, word - 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  /// Adds one; false: there were `most` already, which cannot be.
  bool give(uint32_t most) {
    if (valueIn(word_.load(std::memory_order_relaxed)) >= most) return false;
    // Pairs with tryTake. All are woken, for who waits does not take.
    const uint64_t before = word_.fetch_add(1, std::memory_order_release);
    if (before >= kWaiter) futex(FUTEX_WAKE, INT_MAX, nullptr);
    return true;
  }

  /// Waits until there may be one, and does not take it: then nobody has to give it back. 0: it is worth a try; -EAGAIN:
  /// not within that time; -EINTR.
  int64_t wait(const timespec* limit) {
    // Who gives sees either the waiter or that its permit is seen: both are in one word.
    const uint64_t word = word_.fetch_add(kWaiter, std::memory_order_relaxed);
    const int64_t result = valueIn(word) > 0 || futex(FUTEX_WAIT, 0, limit) == 0 ? 0 : -errno;
    word_.fetch_sub(kWaiter, std::memory_order_relaxed);
    if (result == -ETIMEDOUT) return -EAGAIN;
    return result == -EINTR ? result : 0;
  }

 private:
  /// So often somebody else may come between; who does that on purpose gets no more.
  static constexpr int kTries = 64;
  static constexpr uint64_t kWaiter = uint64_t{1} << 32;
  static uint32_t valueIn(uint64_t word) { return static_cast<uint32_t>(word); }

  long futex(int operation, int value, const timespec* limit) {
    return syscall(SYS_futex, &word_, operation, value, limit, nullptr, 0);
  }

  std::atomic<uint64_t> word_;
  uint32_t shared_;
  [[maybe_unused]] uint32_t unused_[5];
};

static_assert(sizeof(Permits) == 32 && std::atomic<uint64_t>::is_always_lock_free);
static_assert(std::endian::native == std::endian::little, "the kernel looks at the value, which comes first");

}  // namespace strait
