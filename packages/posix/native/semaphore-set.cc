// System V semaphores; svipc(7). They come in sets, which are known by numbers.

#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#include "addon.h"
#include "blocker.h"

namespace strait {
namespace {

/// The fourth argument of semctl(2), which everybody has to declare himself.
union Argument {
  int value;
  semid_ds* state;
};

/// (key, semaphores, flags, mode) → id
int64_t get(Arguments& arguments) {
  const auto key = static_cast<key_t>(arguments.integer(0));
  const int count = arguments.integer(1);
  const int flags = arguments.integer(2);
  const int mode = arguments.integer(3);
  return arguments.valid() ? outcome(semget(key, count, flags | mode)) : -EINVAL;
}

int64_t remove(Arguments& arguments) {
  const int id = arguments.integer(0);
  return arguments.valid() ? outcome(semctl(id, 0, IPC_RMID)) : -EINVAL;
}

/// (id, numbers: key, mode, owner, maker) → how many semaphores.
int64_t state(Arguments& arguments) {
  const int id = arguments.integer(0);
  const Ints numbers = arguments.ints(1);
  if (!arguments.valid() || numbers.length < 4) return -EINVAL;
  semid_ds state;
  Argument argument;
  argument.state = &state;
  if (semctl(id, 0, IPC_STAT, argument) < 0) return -errno;
  numbers.data[0] = static_cast<int32_t>(state.sem_perm.__key);
  numbers.data[1] = static_cast<int32_t>(state.sem_perm.mode & 0777);
  numbers.data[2] = static_cast<int32_t>(state.sem_perm.uid);
  numbers.data[3] = static_cast<int32_t>(state.sem_perm.cuid);
  return static_cast<int64_t>(state.sem_nsems);
}

/// (id, index) → its value.
int64_t value(Arguments& arguments) {
  const int id = arguments.integer(0);
  const int index = arguments.integer(1);
  return arguments.valid() ? outcome(semctl(id, index, GETVAL)) : -EINVAL;
}

/// (id, index) → how many wait for it to become greater.
int64_t waiting(Arguments& arguments) {
  const int id = arguments.integer(0);
  const int index = arguments.integer(1);
  return arguments.valid() ? outcome(semctl(id, index, GETNCNT)) : -EINVAL;
}

/// (id, index, change, undo) An operation of semop(2).
struct Operation {
  explicit Operation(Arguments& arguments, size_t at)
      : id(arguments.integer(at)),
        step{static_cast<unsigned short>(arguments.integer(at + 1)), static_cast<short>(arguments.integer(at + 2)),
             static_cast<short>(arguments.truth(at + 3) ? SEM_UNDO : 0)} {}
  int id;
  sembuf step;
};

/// (id, index, change, undo, ms) -EAGAIN: it could not be done at once, or within so many ms; -EINTR.
int64_t operate(Arguments& arguments) {
  Operation operation(arguments, 0);
  const int ms = arguments.integer(4);
  if (!arguments.valid()) return -EINVAL;
  if (ms > 0) {
    const timespec limit = {ms / 1000, ms % 1000 * 1'000'000L};
    return outcome(semtimedop(operation.id, &operation.step, 1, &limit));
  }
  operation.step.sem_flg |= IPC_NOWAIT;
  return outcome(semop(operation.id, &operation.step, 1));
}

/// (blocker, id, index, change, undo) Lets the blocker do it. What is to be undone counts for the whole process, for
/// its threads share one list of that (CLONE_SYSVSEM).
int64_t startOperation(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  const Operation operation(arguments, 1);
  if (blocker == nullptr || !arguments.valid()) return -EINVAL;
  return blocker->start([operation] {
    sembuf step = operation.step;
    return outcome(semop(operation.id, &step, 1));
  });
}

}  // namespace

void defineSemaphoreSets(napi_env env, napi_value exports) {
  define<get>(env, exports, "semsetGet");
  define<remove>(env, exports, "semsetRemove");
  define<state>(env, exports, "semsetState");
  define<value>(env, exports, "semsetValue");
  define<waiting>(env, exports, "semsetWaiting");
  define<operate>(env, exports, "semsetOperate");
  define<startOperation>(env, exports, "semsetStartOperation");
}

}  // namespace strait
