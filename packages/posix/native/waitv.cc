#include "waitv.h"

#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "monitor.h"

namespace strait::locks {
namespace {

/// How long, in ns, one waits before one wakes it again: it may have been just about to fall asleep.
constexpr long kAgain = 1'000'000;

}  // namespace

bool startThread(pthread_t* thread, void* (*run)(void*), void* data) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 * 1024 + static_cast<size_t>(PTHREAD_STACK_MIN));
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(thread, &attributes, run, data);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return failed == 0;
}

Sleeper::~Sleeper() {
  pthread_mutex_lock(&mutex_);
  interrupt();
  ended_ = true;
  pthread_cond_broadcast(&changed_);
  pthread_mutex_unlock(&mutex_);
  if (started_) pthread_join(thread_, nullptr);
  pthread_cond_destroy(&changed_);
  pthread_mutex_destroy(&mutex_);
}

void Sleeper::watch(std::atomic<uint32_t>* word, uint32_t seen) {
  pthread_mutex_lock(&mutex_);
  if (word != word_ || seen != seen_) {
    interrupt();
    word_ = word;
    seen_ = seen;
    if (!started_) {
      started_ = startThread(
          &thread_,
          [](void* data) -> void* {
            static_cast<Sleeper*>(data)->run();
            return nullptr;
          },
          this);
    }
    pthread_cond_broadcast(&changed_);
  }
  pthread_mutex_unlock(&mutex_);
}

/// With the mutex held. Others that sleep on the same word look in vain.
void Sleeper::interrupt() {
  std::atomic<uint32_t>* word = word_;
  word_ = nullptr;
  while (asleep_) {
    futex(word, FUTEX_WAKE, INT_MAX);
    timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += kAgain;
    if (until.tv_nsec >= 1'000'000'000) {
      until.tv_nsec -= 1'000'000'000;
      until.tv_sec++;
    }
    pthread_cond_timedwait(&changed_, &mutex_, &until);
  }
}

void Sleeper::run() {
  pthread_mutex_lock(&mutex_);
  while (!ended_) {
    std::atomic<uint32_t>* word = word_;
    if (word == nullptr) {
      pthread_cond_wait(&changed_, &mutex_);
      continue;
    }
    const uint32_t seen = seen_;
    asleep_ = true;
    pthread_mutex_unlock(&mutex_);
    futex(word, FUTEX_WAIT, seen);
    const bool changed = word->load(std::memory_order_acquire) != seen;
    pthread_mutex_lock(&mutex_);
    asleep_ = false;
    pthread_cond_broadcast(&changed_);
    // Somebody wanted it to watch something else, or nothing has happened.
    if (word_ != word || !changed) continue;
    word_ = nullptr;
    bell_->fetch_add(1, std::memory_order_release);
    futex(bell_, FUTEX_WAKE, 1);
  }
  pthread_mutex_unlock(&mutex_);
}

WaitV::WaitV(std::atomic<uint32_t>* bell) : bell_(bell) {
  // Of no words: EINVAL where there is such a call. What filters calls may say EPERM.
  atOnce_ = syscall(SYS_futex_waitv, nullptr, 0, 0, nullptr, 0) < 0 && errno == EINVAL;
}

void WaitV::begin(uint32_t seen) {
  count_ = 0;
  add(bell_, seen);
}

void WaitV::add(std::atomic<uint32_t>* word, uint32_t seen) {
  if (count_ < FUTEX_WAITV_MAX) words_[count_++] = {seen, reinterpret_cast<uint64_t>(word), FUTEX_32, 0};
}

void WaitV::leave() {
  for (const auto& sleeper : sleepers_) sleeper->watch(nullptr, 0);
}

void WaitV::sleep(const timespec* limit) {
  if (atOnce_) {
    syscall(SYS_futex_waitv, words_, count_, 0, limit, CLOCK_MONOTONIC);
    return;
  }
  for (unsigned index = 1; index < count_ || index <= sleepers_.size(); index++) {
    if (index > sleepers_.size()) sleepers_.push_back(std::make_unique<Sleeper>(bell_));
    auto* word = index < count_ ? reinterpret_cast<std::atomic<uint32_t>*>(words_[index].uaddr) : nullptr;
    sleepers_[index - 1]->watch(word, static_cast<uint32_t>(words_[index].val));
  }
  syscall(SYS_futex, bell_, FUTEX_WAIT_BITSET, static_cast<uint32_t>(words_[0].val), limit, nullptr,
          FUTEX_BITSET_MATCH_ANY);
}

}  // namespace strait::locks
