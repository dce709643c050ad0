// What every file of the addon uses: arguments in, `>= 0` or `-errno` out, and what belongs to one environment.
//
// Functions are shaped like the system calls that they make. They never throw: wording, codes and retries are
// TypeScript's. An argument of the wrong type is -EINVAL, for only our own TypeScript calls them.
#pragma once

#define NAPI_VERSION 8
#include <node_api.h>
#include <uv.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace strait {

struct Poll;
class Poller;

/// What one environment, the main thread's or a worker's, owns. An environment may end at any moment; its end closes
/// what JavaScript did not.
class Environment {
 public:
  explicit Environment(napi_env env);
  ~Environment();
  static Environment* of(napi_env env);

  /// Remembers a descriptor, to close it when the environment ends. Returns it, or an error as it is.
  int own(int descriptor);
  /// Forgets a descriptor that somebody else closes.
  void disown(int descriptor);

  /// Keeps the event loop alive as long as somebody holds it.
  void hold();
  void release();

  uv_loop_t* loop() const { return loop_; }
  napi_env env() const { return env_; }
  napi_async_context context() const { return context_; }

  void add(Poll* poll);
  /// A handle of this environment has been closed by libuv.
  void closed(Poll* poll);

  /// The one that looks at all shared memory of this environment.
  Poller& poller();
  void pollerClosed();

 private:
  static void end(napi_async_cleanup_hook_handle handle, void* data);
  void finish();

  napi_env env_;
  uv_loop_t* loop_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  /// Ref'd while anybody holds the loop: polls come and go, and a paused one would let the process end.
  uv_async_t* anchor_ = nullptr;
  uint32_t holders_ = 0;
  std::vector<bool> descriptors_;
  std::vector<Poll*> polls_;
  std::unique_ptr<Poller> poller_;
  bool ending_ = false;
};

/// The bytes of a Uint8Array or Int32Array, or nothing.
struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
  bool given = false;
};

struct Ints {
  int32_t* data = nullptr;
  size_t length = 0;
};

/// The arguments of one call.
class Arguments {
 public:
  static constexpr size_t kMost = 9;
  /// `data` is what the function carries.
  Arguments(napi_env env, napi_callback_info info, void** data = nullptr);

  napi_env env() const { return env_; }
  size_t count() const { return count_; }
  napi_value value(size_t index) const { return values_[index]; }
  /// 0 where there is none; each clears `valid` when it is of another type.
  int32_t integer(size_t index);
  double number(size_t index);
  bool truth(size_t index);
  /// undefined is no bytes.
  Bytes bytes(size_t index);
  Ints ints(size_t index);
  /// A part of the bytes at `index`, by the offset and the length in the two arguments behind it.
  Bytes part(size_t index);
  /// A path with its closing zero, in `buffer`; false when it does not fit.
  bool text(size_t index, char* buffer, size_t size);
  bool valid() const { return valid_; }

 private:
  napi_env env_;
  size_t count_ = kMost;
  napi_value values_[kMost];
  bool valid_ = true;
};

napi_value integer(napi_env env, int64_t value);

/// Calls JavaScript from the event loop, with one number. What it throws is an uncaught exception.
void callBack(Environment* environment, napi_ref callback, int64_t argument);

/// The result of a system call: itself, or -errno.
inline int64_t outcome(int64_t result) { return result < 0 ? -errno : result; }

using Function = int64_t (*)(Arguments&);

/// Exports a function that returns a number.
template <Function function>
napi_value call(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  return integer(env, function(arguments));
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback);
void define(napi_env env, napi_value exports, const char* name, int32_t constant);

template <Function function>
void define(napi_env env, napi_value exports, const char* name) {
  define(env, exports, name, call<function>);
}

// One for each file.
void defineDescriptors(napi_env env, napi_value exports);
void defineSockets(napi_env env, napi_value exports);
void definePolls(napi_env env, napi_value exports);
void defineMemory(napi_env env, napi_value exports);
void defineEvents(napi_env env, napi_value exports);
void defineRings(napi_env env, napi_value exports);
void defineBlockers(napi_env env, napi_value exports);
void defineQueues(napi_env env, napi_value exports);
void defineSignals(napi_env env, napi_value exports);
void defineSystemV(napi_env env, napi_value exports);
void defineSemaphores(napi_env env, napi_value exports);
void defineSemaphoreSets(napi_env env, napi_value exports);
void defineSlots(napi_env env, napi_value exports);
void defineSync(napi_env env, napi_value exports);

}  // namespace strait
