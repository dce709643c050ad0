// Sleeping on several words at once: futex_waitv(2), and threads where the kernel, before Linux 5.16, has none.
#pragma once

#include <linux/futex.h>
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace strait::locks {

/// Starts a thread in which no signal of the process lands, with a small stack. Whether it could be.
bool startThread(pthread_t* thread, void* (*run)(void*), void* data);

/// A thread that sleeps on one word for somebody else, and then rings that one's bell.
class Sleeper {
 public:
  explicit Sleeper(std::atomic<uint32_t>* bell) : bell_(bell) {}
  ~Sleeper();
  Sleeper(const Sleeper&) = delete;

  /// From now on it sleeps while the word is so. nullptr: on none.
  void watch(std::atomic<uint32_t>* word, uint32_t seen);

 private:
  void run();
  void interrupt();

  std::atomic<uint32_t>* bell_;
  pthread_t thread_{};
  bool started_ = false;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
  std::atomic<uint32_t>* word_ = nullptr;
  uint32_t seen_ = 0;
  bool asleep_ = false;
  bool ended_ = false;
};

/// Of one thread.
class WaitV {
 public:
  /// `bell` is a word of this process, the first of all that are slept on.
  explicit WaitV(std::atomic<uint32_t>* bell);

  /// On how many words it sleeps, besides the bell.
  size_t most() const { return atOnce_ ? FUTEX_WAITV_MAX - 1 : 2; }

  // One turn: begin, add what there is, sleep until one of them is not as it was seen.
  void begin(uint32_t bell);
  void add(std::atomic<uint32_t>* word, uint32_t seen);
  /// `limit` is a time of CLOCK_MONOTONIC; nullptr: none.
  void sleep(const timespec* limit);
  /// Afterwards the words may go.
  void leave();

 private:
  std::atomic<uint32_t>* bell_;
  bool atOnce_;
  unsigned count_ = 0;
  futex_waitv words_[FUTEX_WAITV_MAX] = {};
  std::vector<std::unique_ptr<Sleeper>> sleepers_;
};

}  // namespace strait::locks
