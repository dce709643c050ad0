#include "blocker.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <mutex>

namespace strait {
namespace {

constexpr napi_type_tag kBlockerTag = {0x2f8c61d09be54a73, 0xb6e05d31794fc82a};

/// Enough for a call, and far less than the default: there is one of these for each object that is waited for.
size_t stackSize() { return 64 * 1024 + static_cast<size_t>(PTHREAD_STACK_MIN); }

/// How long one waits, in ns, before one interrupts again: the signal may have come just before the call.
constexpr long kAgain = 1'000'000;

/// Interrupts calls, and does nothing else. Real-time, for everybody has a use for the others.
int interruption() { return SIGRTMAX - 2; }

void install() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(interruption(), &action, nullptr);
  });
}

class Lock {
 public:
  explicit Lock(pthread_mutex_t* mutex) : mutex_(mutex) { pthread_mutex_lock(mutex_); }
  ~Lock() { pthread_mutex_unlock(mutex_); }
  Lock(const Lock&) = delete;

 private:
  pthread_mutex_t* mutex_;
};

/// A timer that interrupts the thread that made it, again and again: once might be just before the call.
class Alarm {
 public:
  Alarm() {
    install();
    sigevent event = {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = interruption();
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    made_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  }
  ~Alarm() {
    if (made_) timer_delete(timer_);
  }
  Alarm(const Alarm&) = delete;
  bool set(int32_t ms) {
    const timespec time = {ms / 1000, ms % 1000 * 1'000'000L};
    const itimerspec each = {time, time};
    return made_ && timer_settime(timer_, 0, &each, nullptr) == 0;
  }

 private:
  timer_t timer_{};
  bool made_ = false;
};

}  // namespace

/// No JavaScript runs any more.
void Blocker::onEnd(void* data) { static_cast<Blocker*>(data)->close(); }

Blocker::Blocker(napi_env env, int event) : env_(env), event_(event) {
  napi_add_env_cleanup_hook(env, onEnd, this);
}

Blocker::~Blocker() {
  close();
  napi_remove_env_cleanup_hook(env_, onEnd, this);
  pthread_cond_destroy(&changed_);
  pthread_mutex_destroy(&mutex_);
}

/// No signal of the process may land in the thread but its own.
bool Blocker::startThread() {
  install();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigdelset(&all, interruption());
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stackSize());
  pthread_sigmask(SIG_SETMASK, &all, &before);
  started_ = pthread_create(
                 &thread_, &attributes,
                 [](void* data) -> void* {
                   static_cast<Blocker*>(data)->run();
                   return nullptr;
                 },
                 this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return started_;
}

void Blocker::run() {
  Lock lock(&mutex_);
  for (;;) {
    while (state_ == State::kIdle || state_ == State::kDone) pthread_cond_wait(&changed_, &mutex_);
    if (state_ == State::kEnded) return;
    const Call call = std::move(call_);
    pthread_mutex_unlock(&mutex_);
    int64_t result;
    do result = interrupted_ ? -EINTR : call();
    while (result == -EINTR && !interrupted_);
    pthread_mutex_lock(&mutex_);
    result_ = result == -EINTR ? -ECANCELED : result;
    state_ = State::kDone;
    const uint64_t one = 1;
    if (write(event_, &one, sizeof one) < 0) result_ = -errno;
    pthread_cond_broadcast(&changed_);
  }
}

int64_t Blocker::start(Call call) {
  Lock lock(&mutex_);
  if (state_ == State::kEnded) return -EINVAL;
  if (state_ != State::kIdle) return -EBUSY;
  if (!started_ && !startThread()) return -EAGAIN;
  call_ = std::move(call);
  state_ = State::kBlocked;
  pthread_cond_broadcast(&changed_);
  return 0;
}

int64_t Blocker::take() {
  Lock lock(&mutex_);
  if (state_ != State::kDone) return -EAGAIN;
  uint64_t count;
  if (read(event_, &count, sizeof count) < 0) return -errno;
  state_ = State::kIdle;
  return result_;
}

/// With the mutex held.
void Blocker::interrupt() {
  interrupted_ = true;
  while (state_ == State::kBlocked) {
    pthread_kill(thread_, interruption());
    timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += kAgain;
    if (until.tv_nsec >= 1'000'000'000) {
      until.tv_nsec -= 1'000'000'000;
      until.tv_sec++;
    }
    pthread_cond_timedwait(&changed_, &mutex_, &until);
  }
  interrupted_ = false;
}

int64_t Blocker::cancel() {
  {
    Lock lock(&mutex_);
    if (state_ == State::kIdle || state_ == State::kEnded) return -ECANCELED;
    interrupt();
  }
  return take();
}

void Blocker::close() {
  {
    Lock lock(&mutex_);
    if (state_ == State::kEnded) return;
    interrupt();
    state_ = State::kEnded;
    pthread_cond_broadcast(&changed_);
  }
  if (started_) pthread_join(thread_, nullptr);
}

Blocker* Blocker::of(Arguments& arguments, size_t index) {
  bool ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(arguments.env(), arguments.value(index), &kBlockerTag, &ours) != napi_ok || !ours) {
    return nullptr;
  }
  napi_get_value_external(arguments.env(), arguments.value(index), &data);
  return static_cast<Blocker*>(data);
}

int64_t blockFor(int32_t ms, const Blocker::Call& call) {
  thread_local Alarm alarm;
  if (!alarm.set(ms)) return -EAGAIN;
  const int64_t result = call();
  alarm.set(0);
  return result;
}

namespace {

/// (eventfd) → a blocker, or -errno. The descriptor stays the caller's, who closes it after the blocker.
napi_value blockerOpen(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int event = arguments.integer(0);
  if (!arguments.valid()) return integer(env, -EINVAL);
  auto* blocker = new Blocker(env, event);
  napi_value external = nullptr;
  const napi_status status = napi_create_external(
      env, blocker, [](napi_env, void* data, void*) { delete static_cast<Blocker*>(data); }, nullptr, &external);
  if (status != napi_ok) {  // the environment is ending
    delete blocker;
    return nullptr;
  }
  napi_type_tag_object(env, external, &kBlockerTag);
  return external;
}

/// (blocker) → what the call came back with; -EAGAIN: it has not.
int64_t blockerTake(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  return blocker == nullptr ? -EINVAL : blocker->take();
}

/// (blocker) → what the call came back with all the same; -ECANCELED: nothing has happened.
int64_t blockerCancel(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  return blocker == nullptr ? -EINVAL : blocker->cancel();
}

int64_t blockerClose(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  if (blocker == nullptr) return -EINVAL;
  blocker->close();
  return 0;
}

}  // namespace

void defineBlockers(napi_env env, napi_value exports) {
  define(env, exports, "blockerOpen", blockerOpen);
  define<blockerTake>(env, exports, "blockerTake");
  define<blockerCancel>(env, exports, "blockerCancel");
  define<blockerClose>(env, exports, "blockerClose");
}

}  // namespace strait
