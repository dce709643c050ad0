// Readiness of a descriptor on the environment's own event loop; uv_poll, epoll(7).

#include "poll.h"

#include <poll.h>

#include "addon.h"

namespace strait {

/// Freed when libuv has closed the handle and JavaScript has let the external go, in whichever order.
struct Poll {
  uv_poll_t handle;
  Environment* environment;
  napi_ref callback;
  bool closing;
  bool closed;
  bool finalized;
};

namespace {

constexpr napi_type_tag kPollTag = {0x7b6f0d5a3c1e4f28, 0x9d2a51c7e8b34601};

void freeIfDone(Poll* poll) {
  if (poll->closed && poll->finalized) delete poll;
}

void onEvents(uv_poll_t* handle, int status, int events) {
  auto* poll = static_cast<Poll*>(handle->data);
  callBack(poll->environment, poll->callback, status < 0 ? status : events);
}

Poll* pollOf(Arguments& arguments) {
  bool ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(arguments.env(), arguments.value(0), &kPollTag, &ours) != napi_ok || !ours) {
    return nullptr;
  }
  napi_get_value_external(arguments.env(), arguments.value(0), &data);
  return static_cast<Poll*>(data);
}

/// (descriptor, callback(events)) → a poll, or -errno. It watches nothing yet and does not keep the loop alive.
napi_value pollOpen(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int descriptor = arguments.integer(0);
  Environment* environment = Environment::of(env);
  auto* poll = new Poll{};
  const int result = uv_poll_init(environment->loop(), &poll->handle, descriptor);
  if (result < 0) {
    delete poll;
    return integer(env, result);
  }
  poll->handle.data = poll;
  poll->environment = environment;
  uv_unref(reinterpret_cast<uv_handle_t*>(&poll->handle));
  environment->add(poll);
  napi_value external = nullptr;
  // Where the environment is being ended this very moment, Node-API refuses everything.
  const napi_status referenced = napi_create_reference(env, arguments.value(1), 1, &poll->callback);
  const napi_status created = napi_create_external(
      env, poll,
      [](napi_env, void* data, void*) {
        auto* poll = static_cast<Poll*>(data);
        poll->finalized = true;
        closePoll(poll);
        freeIfDone(poll);
      },
      nullptr, &external);
  if (created == napi_ok && referenced == napi_ok && napi_type_tag_object(env, external, &kPollTag) == napi_ok) {
    return external;
  }
  // Without an external there is no finalizer.
  poll->finalized = created != napi_ok;
  closePoll(poll);
  return nullptr;
}

/// (poll, events): from now on watches these; 0 is none.
int64_t pollSet(Arguments& arguments) {
  Poll* poll = pollOf(arguments);
  const int events = arguments.integer(1);
  if (poll == nullptr || !arguments.valid() || poll->closing) return -EINVAL;
  return events == 0 ? uv_poll_stop(&poll->handle) : uv_poll_start(&poll->handle, events, onEvents);
}

/// (poll): afterwards the descriptor may be closed.
int64_t pollClose(Arguments& arguments) {
  Poll* poll = pollOf(arguments);
  if (poll == nullptr) return -EINVAL;
  closePoll(poll);
  return 0;
}

int64_t hold(Arguments& arguments) {
  Environment::of(arguments.env())->hold();
  return 0;
}

int64_t release(Arguments& arguments) {
  Environment::of(arguments.env())->release();
  return 0;
}

/// (descriptor, events, other descriptor, other events, ms) → the events of the first, those of the second shifted by
/// 16 bits; 0 when the time is over. Blocks the thread; poll(2). A descriptor of -1 is not looked at.
int64_t pollNow(Arguments& arguments) {
  pollfd descriptors[2] = {{arguments.integer(0), static_cast<int16_t>(arguments.integer(1)), 0},
                           {arguments.integer(2), static_cast<int16_t>(arguments.integer(3)), 0}};
  const int timeout = arguments.integer(4);
  if (!arguments.valid()) return -EINVAL;
  if (poll(descriptors, 2, timeout) < 0) return errno == EINTR ? 0 : -errno;
  return static_cast<int64_t>(static_cast<uint16_t>(descriptors[0].revents)) |
         static_cast<int64_t>(static_cast<uint16_t>(descriptors[1].revents)) << 16;
}

}  // namespace

void closePoll(Poll* poll) {
  if (poll->closing) return;
  poll->closing = true;
  if (poll->callback != nullptr) napi_delete_reference(poll->environment->env(), poll->callback);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll->handle), [](uv_handle_t* handle) {
    auto* poll = static_cast<Poll*>(handle->data);
    poll->closed = true;
    poll->environment->closed(poll);
    freeIfDone(poll);
  });
}

void definePolls(napi_env env, napi_value exports) {
  define(env, exports, "pollOpen", pollOpen);
  define<pollSet>(env, exports, "pollSet");
  define<pollClose>(env, exports, "pollClose");
  define<hold>(env, exports, "hold");
  define<release>(env, exports, "release");
  define<pollNow>(env, exports, "pollNow");
  define(env, exports, "UV_READABLE", UV_READABLE);
  define(env, exports, "UV_WRITABLE", UV_WRITABLE);
  define(env, exports, "UV_DISCONNECT", UV_DISCONNECT);
  define(env, exports, "POLLIN", POLLIN);
  define(env, exports, "POLLOUT", POLLOUT);
}

}  // namespace strait
