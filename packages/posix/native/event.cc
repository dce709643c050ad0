// Counters and processes as descriptors, and the death of a parent: eventfd(2), pidfd_open(2), prctl(2).

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addon.h"

namespace strait {
namespace {

/// (semaphore) → descriptor of a counter at zero, not blocking.
int64_t makeEvent(Arguments& arguments) {
  const bool semaphore = arguments.truth(0);
  if (!arguments.valid()) return -EINVAL;
  const int flags = EFD_CLOEXEC | EFD_NONBLOCK | (semaphore ? EFD_SEMAPHORE : 0);
  return Environment::of(arguments.env())->own(static_cast<int>(outcome(eventfd(0, flags))));
}

/// (pid) → descriptor of the process; it can be read when that has ended. -ENOSYS before Linux 5.3.
int64_t openProcess(Arguments& arguments) {
  const int pid = arguments.integer(0);
  if (!arguments.valid()) return -EINVAL;
  return Environment::of(arguments.env())->own(static_cast<int>(outcome(syscall(SYS_pidfd_open, pid, 0))));
}

/// (descriptor of a process, signal)
int64_t signalProcess(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const int signal = arguments.integer(1);
  if (!arguments.valid()) return -EINVAL;
  return outcome(syscall(SYS_pidfd_send_signal, descriptor, signal, nullptr, 0));
}

/// The kernel kills this process when the thread that started it ends.
int64_t endWithParent(Arguments&) { return outcome(prctl(PR_SET_PDEATHSIG, SIGKILL)); }

}  // namespace

void defineEvents(napi_env env, napi_value exports) {
  define<makeEvent>(env, exports, "eventfd");
  define<openProcess>(env, exports, "pidfdOpen");
  define<signalProcess>(env, exports, "pidfdSendSignal");
  define<endWithParent>(env, exports, "endWithParent");
}

}  // namespace strait
