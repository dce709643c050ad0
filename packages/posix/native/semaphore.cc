// POSIX semaphores in shared memory; sem_overview(7). One that has a name is a file under /dev/shm that holds nothing else.

#include <semaphore.h>
#include <time.h>

#include <climits>
#include <cstring>

#include "addon.h"
#include "blocker.h"
#include "memory.h"

namespace strait {
namespace {

/// The semaphore at an offset of a region, in two arguments; nullptr: there is none.
sem_t* semaphoreOf(Arguments& arguments, size_t index) {
  const Bytes memory = memoryOf(arguments.env(), arguments.value(index));
  const double offset = arguments.number(index + 1);
  if (!arguments.valid() || memory.length < sizeof(sem_t)) return nullptr;
  if (!(offset >= 0 && offset <= static_cast<double>(memory.length - sizeof(sem_t)))) return nullptr;
  const auto at = static_cast<size_t>(offset);
  return at % alignof(sem_t) == 0 ? reinterpret_cast<sem_t*>(memory.data + at) : nullptr;
}

/// (region, offset, value) Makes a semaphore there, for all who have the memory.
int64_t init(Arguments& arguments) {
  sem_t* semaphore = semaphoreOf(arguments, 0);
  const int value = arguments.integer(2);
  if (semaphore == nullptr || !arguments.valid() || value < 0) return -EINVAL;
  return outcome(sem_init(semaphore, 1, static_cast<unsigned>(value)));
}

/// (target, value) The bytes of such a semaphore, which as yet is nowhere.
int64_t image(Arguments& arguments) {
  const Bytes target = arguments.bytes(0);
  const int value = arguments.integer(1);
  if (!arguments.valid() || target.length != sizeof(sem_t) || value < 0) return -EINVAL;
  sem_t semaphore;
  std::memset(&semaphore, 0, sizeof semaphore);
  if (sem_init(&semaphore, 1, static_cast<unsigned>(value)) < 0) return -errno;
  std::memcpy(target.data, &semaphore, sizeof semaphore);
  return 0;
}

/// (region, offset) → its value.
int64_t value(Arguments& arguments) {
  sem_t* semaphore = semaphoreOf(arguments, 0);
  int value = 0;
  if (semaphore == nullptr) return -EINVAL;
  return sem_getvalue(semaphore, &value) < 0 ? -errno : value;
}

/// (region, offset, count) Adds all, or nothing: -EOVERFLOW.
int64_t post(Arguments& arguments) {
  sem_t* semaphore = semaphoreOf(arguments, 0);
  const int count = arguments.integer(2);
  int value = 0;
  if (semaphore == nullptr || !arguments.valid()) return -EINVAL;
  if (sem_getvalue(semaphore, &value) < 0) return -errno;
  if (count > SEM_VALUE_MAX - value) return -EOVERFLOW;
  for (int left = count; left > 0; left--) {
    if (sem_post(semaphore) < 0) return -errno;
  }
  return 0;
}

/// (region, offset, ms) Takes one; -EAGAIN: there was none at once, or within so many ms; -EINTR.
int64_t wait(Arguments& arguments) {
  sem_t* semaphore = semaphoreOf(arguments, 0);
  const int ms = arguments.integer(2);
  if (semaphore == nullptr || !arguments.valid()) return -EINVAL;
  if (ms <= 0) return outcome(sem_trywait(semaphore));
  timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += ms % 1000 * 1'000'000L;
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    until.tv_sec++;
  }
  if (sem_clockwait(semaphore, CLOCK_MONOTONIC, &until) == 0) return 0;
  return errno == ETIMEDOUT ? -EAGAIN : -errno;
}

/// (blocker, region, offset) Lets the blocker take one. The region must stay mapped until that has come back.
int64_t startWaiting(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  sem_t* semaphore = semaphoreOf(arguments, 1);
  if (blocker == nullptr || semaphore == nullptr) return -EINVAL;
  return blocker->start([semaphore] { return outcome(sem_wait(semaphore)); });
}

}  // namespace

void defineSemaphores(napi_env env, napi_value exports) {
  define<init>(env, exports, "semInit");
  define<image>(env, exports, "semImage");
  define<value>(env, exports, "semValue");
  define<post>(env, exports, "semPost");
  define<wait>(env, exports, "semWait");
  define<startWaiting>(env, exports, "semStartWaiting");
  define(env, exports, "SEM_SIZE", sizeof(sem_t));
  define(env, exports, "SEM_ALIGNMENT", alignof(sem_t));
  define(env, exports, "SEM_VALUE_MAX", SEM_VALUE_MAX);
}

}  // namespace strait
