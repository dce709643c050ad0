// A thread of its own for calls that block and of which no descriptor tells: semaphores, System V queues.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <functional>

#include "addon.h"

namespace strait {

/// A thread in which one call blocks at a time; its eventfd can be read when that has come back. What blocks there is
/// interrupted by a signal that does nothing: the call must come back with EINTR then, as signal(7) says of
/// sem_wait(3), semop(2), msgsnd(2) and msgrcv(2).
class Blocker {
 public:
  /// What blocks; `>= 0` or -errno.
  using Call = std::function<int64_t()>;

  /// The one of an argument; nullptr: it is none.
  static Blocker* of(Arguments& arguments, size_t index);

  /// Runs the call in the thread; -EBUSY: there is one already; -EAGAIN: there can be no more threads.
  int64_t start(Call call);
  /// What the call has come back with; -EAGAIN: it has not yet.
  int64_t take();
  /// Makes it come back. What it has come back with: -ECANCELED: nothing has happened.
  int64_t cancel();
  /// Ends the thread.
  void close();

  Blocker(napi_env env, int event);
  ~Blocker();

 private:
  enum class State { kIdle, kBlocked, kDone, kEnded };

  static void onEnd(void* data);
  bool startThread();
  void run();
  void interrupt();

  napi_env env_;
  int event_;
  pthread_t thread_{};
  bool started_ = false;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
  State state_ = State::kIdle;
  Call call_;
  int64_t result_ = 0;
  std::atomic<bool> interrupted_ = false;
};

/// Blocks this thread in a call that knows no timeout, for so many ms at most; -EINTR: nothing has happened.
int64_t blockFor(int32_t ms, const Blocker::Call& call);

}  // namespace strait
