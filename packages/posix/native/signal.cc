// Queued real-time signals: signal(7), signalfd(2), rt_sigqueueinfo(2).
//
// Who reads a number blocks it in his own thread. The other threads of the process, libuv's and V8's, do not, and what
// is directed at the process as a whole may land on any of them, where it would end the process. So the number has a
// handler too. It stays for ever: a signal that comes late must not kill.

#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <csignal>
#include <cstring>
#include <mutex>

#include "addon.h"

namespace strait {
namespace {

constexpr size_t kNumbers = NSIG;
constexpr size_t kWord = sizeof(uint64_t);

/// So many are read at a time.
constexpr size_t kMostRead = 64;

/// Whose a number is: nobody's, 0; that thread's alone; or, negated, how many threads share it.
std::array<std::atomic<int32_t>, kNumbers> holders;
static_assert(std::atomic<int32_t>::is_always_lock_free, "a signal handler takes no lock");

/// The numbers that this thread reads.
thread_local std::bitset<kNumbers> mine;

pid_t threadId() { return static_cast<pid_t>(syscall(SYS_gettid)); }

sigset_t only(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

bool isNumber(int signal) { return signal >= SIGRTMIN && signal <= SIGRTMAX; }

/// Runs on a thread that does not block the number; makes only calls that a handler may. Hands the signal on to the
/// thread whose the number is. From then on this thread blocks the number as well: what comes later waits in the queue
/// of the process, which the reader reads too, and who sends is told when that is full.
void handOn(int signal, siginfo_t* info, void* context) {
  // So long does a signal wait for room, in ms; at most once on each thread.
  constexpr int kPatience = 100;
  const int before = errno;
  // Pairs with the claim: a thread that is seen here has blocked the number.
  if (holders[signal].load(std::memory_order_acquire) > 0) {
    siginfo_t same = *info;
    if (same.si_code >= 0 || same.si_code == SI_TKILL) {
      // kill(2) brings no value, and what it does bring the kernel lets nobody repeat.
      same.si_code = SI_QUEUE;
      same.si_value.sival_ptr = nullptr;
    }
    for (int waited = 0; waited < kPatience; waited++) {
      const int32_t holder = holders[signal].load(std::memory_order_acquire);
      if (holder <= 0) break;
      if (syscall(SYS_rt_tgsigqueueinfo, getpid(), holder, signal, &same) == 0 || errno != EAGAIN) break;
      poll(nullptr, 0, 1);
    }
    sigaddset(&static_cast<ucontext_t*>(context)->uc_sigmask, signal);
  }
  errno = before;
}

/// Installs the handler, once. -EBUSY where the number is somebody else's, in C.
int handle(int signal) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  struct sigaction present = {};
  if (sigaction(signal, nullptr, &present) < 0) return -errno;
  const bool withInfo = (present.sa_flags & SA_SIGINFO) != 0;
  if (withInfo && present.sa_sigaction == handOn) return 0;
  if (withInfo || (present.sa_handler != SIG_DFL && present.sa_handler != SIG_IGN)) return -EBUSY;
  struct sigaction ours = {};
  ours.sa_sigaction = handOn;
  ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset(&ours.sa_mask);
  return static_cast<int>(outcome(sigaction(signal, &ours, nullptr)));
}

bool claim(int signal, bool shared) {
  std::atomic<int32_t>& holder = holders[signal];
  int32_t seen = 0;
  if (!shared) return holder.compare_exchange_strong(seen, threadId(), std::memory_order_acq_rel);
  seen = holder.load(std::memory_order_relaxed);
  while (seen <= 0) {
    if (holder.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void unclaim(int signal) {
  std::atomic<int32_t>& holder = holders[signal];
  // Where it is one thread's, it is this one's, and nobody else changes it.
  if (holder.load(std::memory_order_relaxed) > 0) {
    holder.store(0, std::memory_order_release);
  } else {
    holder.fetch_add(1, std::memory_order_acq_rel);
  }
}

/// Takes what has come for this thread or the process, and forgets it.
void drain(const sigset_t& set) {
  const timespec now = {};
  while (sigtimedwait(&set, nullptr, &now) >= 0 || errno == EINTR) continue;
}

/// The number is nobody's again. What lies unread would otherwise run the handler, one by one.
void leave(int signal) {
  if (!mine[signal]) return;
  mine[signal] = false;
  unclaim(signal);
  const sigset_t set = only(signal);
  drain(set);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void leaveAtEnd(void* signal) { leave(static_cast<int>(reinterpret_cast<intptr_t>(signal))); }

void* asHook(int signal) { return reinterpret_cast<void*>(static_cast<intptr_t>(signal)); }

/// (signal, shared) → descriptor from which this thread reads it. -EBUSY: the number is another's; threads that all
/// say `shared` have it in common, and get what is directed at each of them.
int64_t openSignal(Arguments& arguments) {
  const int signal = arguments.integer(0);
  const bool shared = arguments.truth(1);
  if (!arguments.valid() || !isNumber(signal)) return -EINVAL;
  if (mine[signal]) return -EBUSY;
  const int handled = handle(signal);
  if (handled < 0) return handled;
  const sigset_t set = only(signal);
  sigset_t before;
  // Blocked before it is claimed: handed on to a thread that runs the handler, a signal would go round for ever.
  pthread_sigmask(SIG_BLOCK, &set, &before);
  const bool claimed = claim(signal, shared);
  const int64_t descriptor = claimed ? outcome(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) : -EBUSY;
  if (descriptor < 0) {
    if (claimed) unclaim(signal);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return descriptor;
  }
  drain(set);
  mine[signal] = true;
  napi_add_env_cleanup_hook(arguments.env(), leaveAtEnd, asHook(signal));
  return Environment::of(arguments.env())->own(static_cast<int>(descriptor));
}

/// (signal) Drops what is unread. The descriptor is closed like any other.
int64_t closeSignal(Arguments& arguments) {
  const int signal = arguments.integer(0);
  if (!arguments.valid() || !isNumber(signal) || !mine[signal]) return -EINVAL;
  napi_remove_env_cleanup_hook(arguments.env(), leaveAtEnd, asHook(signal));
  leave(signal);
  return 0;
}

/// Nobody is at the other end of this socket any more.
bool hungUp(int socket) {
  pollfd control = {socket, POLLRDHUP, 0};
  return poll(&control, 1, 0) > 0;
}

/// (pid, thread | 0, signal, words, offset, length, socket | -1) → how many 64-bit words went, one signal each.
///
/// -EPIPE: the socket has hung up, and nothing was sent; the number may be another process's now, which it would kill.
/// Who dies between that look and the call has its number for some time yet: the kernel gives numbers out in turn.
/// Signal 0 only asks whether one might.
int64_t sendSignals(Arguments& arguments) {
  const int pid = arguments.integer(0);
  const int thread = arguments.integer(1);
  const int signal = arguments.integer(2);
  const Bytes words = arguments.part(3);
  const int socket = arguments.integer(6);
  if (!arguments.valid() || (signal != 0 && !isNumber(signal))) return -EINVAL;
  if (socket >= 0 && hungUp(socket)) return -EPIPE;
  siginfo_t info = {};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  const size_t count = words.length / kWord;
  for (size_t sent = 0; sent < count; sent++) {
    std::memcpy(&info.si_value, words.data + sent * kWord, std::min(kWord, sizeof info.si_value));
    const int64_t result = outcome(thread == 0 ? syscall(SYS_rt_sigqueueinfo, pid, signal, &info)
                                               : syscall(SYS_rt_tgsigqueueinfo, pid, thread, signal, &info));
    // What went has gone; the next call finds the same error again.
    if (result < 0) return sent > 0 ? static_cast<int64_t>(sent) : result;
  }
  return static_cast<int64_t>(count);
}

/// (descriptor, words out, senders out: pid and uid of each) → how many came. Senders are what the senders say.
int64_t receiveSignals(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const Bytes words = arguments.bytes(1);
  const Ints senders = arguments.ints(2);
  if (!arguments.valid()) return -EINVAL;
  signalfd_siginfo came[kMostRead];
  const size_t room = std::min({kMostRead, words.length / kWord, senders.length / 2});
  if (room == 0) return -EINVAL;
  const int64_t length = outcome(read(descriptor, came, room * sizeof came[0]));
  if (length < 0) return length;
  const size_t count = static_cast<size_t>(length) / sizeof came[0];
  for (size_t i = 0; i < count; i++) {
    const uint64_t value = came[i].ssi_ptr;
    std::memcpy(words.data + i * kWord, &value, kWord);
    senders.data[2 * i] = static_cast<int32_t>(came[i].ssi_pid);
    senders.data[2 * i + 1] = static_cast<int32_t>(came[i].ssi_uid);
  }
  return static_cast<int64_t>(count);
}

/// () → how many may be pending for the user of this process; RLIMIT_SIGPENDING.
int64_t signalLimit(Arguments&) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_SIGPENDING, &limit) < 0) return -errno;
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT32_MAX));
}

/// () → the number of this thread; gettid(2).
int64_t ownThread(Arguments&) { return threadId(); }

}  // namespace

void defineSignals(napi_env env, napi_value exports) {
  define<openSignal>(env, exports, "signalOpen");
  define<closeSignal>(env, exports, "signalClose");
  define<sendSignals>(env, exports, "signalSend");
  define<receiveSignals>(env, exports, "signalReceive");
  define<signalLimit>(env, exports, "signalLimit");
  define<ownThread>(env, exports, "threadId");
  define(env, exports, "SIGRTMIN", SIGRTMIN);
  define(env, exports, "SIGRTMAX", SIGRTMAX);
}

}  // namespace strait
