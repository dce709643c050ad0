#include "addon.h"

#include <unistd.h>

#include <algorithm>

#include "poll.h"
#include "poller.h"

namespace strait {

// The environment

Environment::Environment(napi_env env) : env_(env) {
  napi_get_uv_event_loop(env, &loop_);
  napi_value name;
  napi_create_string_utf8(env, "strait", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, nullptr, name, &context_);
  anchor_ = new uv_async_t;
  anchor_->data = this;
  uv_async_init(loop_, anchor_, [](uv_async_t*) {});
  uv_unref(reinterpret_cast<uv_handle_t*>(anchor_));
  napi_add_async_cleanup_hook(env, end, this, &hook_);
  napi_set_instance_data(env, this, nullptr, nullptr);
}

Environment::~Environment() = default;

Environment* Environment::of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment*>(data);
}

int Environment::own(int descriptor) {
  if (descriptor < 0) return descriptor;
  const auto index = static_cast<size_t>(descriptor);
  if (index >= descriptors_.size()) descriptors_.resize(index + 64);
  descriptors_[index] = true;
  return descriptor;
}

void Environment::disown(int descriptor) {
  const auto index = static_cast<size_t>(descriptor);
  if (descriptor >= 0 && index < descriptors_.size()) descriptors_[index] = false;
}

void Environment::hold() {
  if (holders_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(anchor_));
}

void Environment::release() {
  if (--holders_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(anchor_));
}

void Environment::add(Poll* poll) { polls_.push_back(poll); }

void Environment::closed(Poll* poll) {
  polls_.erase(std::find(polls_.begin(), polls_.end(), poll));
  finish();
}

Poller& Environment::poller() {
  if (poller_ == nullptr) poller_ = std::make_unique<Poller>(this);
  return *poller_;
}

void Environment::pollerClosed() {
  poller_.reset();
  finish();
}

void Environment::end(napi_async_cleanup_hook_handle, void* data) {
  auto* environment = static_cast<Environment*>(data);
  environment->ending_ = true;
  // Closing a poll takes it out of the list only later, in a turn of the loop.
  for (Poll* poll : environment->polls_) closePoll(poll);
  if (environment->poller_ != nullptr) environment->poller_->close();
  for (size_t index = 0; index < environment->descriptors_.size(); index++) {
    if (environment->descriptors_[index]) close(static_cast<int>(index));
  }
  uv_close(reinterpret_cast<uv_handle_t*>(environment->anchor_), [](uv_handle_t* handle) {
    auto* owner = static_cast<Environment*>(handle->data);
    delete reinterpret_cast<uv_async_t*>(handle);
    owner->anchor_ = nullptr;
    owner->finish();
  });
}

/// Lets the environment go on ending once libuv has closed every handle.
void Environment::finish() {
  if (!ending_ || anchor_ != nullptr || !polls_.empty() || poller_ != nullptr) return;
  napi_remove_async_cleanup_hook(hook_);
  delete this;
}

// Arguments

Arguments::Arguments(napi_env env, napi_callback_info info, void** data) : env_(env) {
  napi_get_cb_info(env, info, &count_, values_, nullptr, data);
}

int32_t Arguments::integer(size_t index) {
  int32_t value = 0;
  if (napi_get_value_int32(env_, values_[index], &value) != napi_ok) valid_ = false;
  return value;
}

double Arguments::number(size_t index) {
  double value = 0;
  if (napi_get_value_double(env_, values_[index], &value) != napi_ok) valid_ = false;
  return value;
}

bool Arguments::truth(size_t index) {
  bool value = false;
  if (napi_get_value_bool(env_, values_[index], &value) != napi_ok) valid_ = false;
  return value;
}

Bytes Arguments::bytes(size_t index) {
  Bytes bytes;
  napi_valuetype type;
  if (napi_typeof(env_, values_[index], &type) != napi_ok || type == napi_undefined) return bytes;
  void* data = nullptr;
  napi_typedarray_type element;
  if (napi_get_typedarray_info(env_, values_[index], &element, &bytes.length, &data, nullptr, nullptr) != napi_ok ||
      element != napi_uint8_array) {
    valid_ = false;
    return {};
  }
  bytes.data = static_cast<uint8_t*>(data);
  bytes.given = true;
  return bytes;
}

Ints Arguments::ints(size_t index) {
  Ints ints;
  napi_valuetype type;
  if (napi_typeof(env_, values_[index], &type) != napi_ok || type == napi_undefined) return ints;
  void* data = nullptr;
  napi_typedarray_type element;
  if (napi_get_typedarray_info(env_, values_[index], &element, &ints.length, &data, nullptr, nullptr) != napi_ok ||
      element != napi_int32_array) {
    valid_ = false;
    return {};
  }
  ints.data = static_cast<int32_t*>(data);
  return ints;
}

Bytes Arguments::part(size_t index) {
  Bytes whole = bytes(index);
  const double offset = number(index + 1);
  const double length = number(index + 2);
  const auto size = static_cast<double>(whole.length);
  if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
    valid_ = false;
    return {};
  }
  if (whole.data != nullptr) whole.data += static_cast<size_t>(offset);
  whole.length = static_cast<size_t>(length);
  return whole;
}

bool Arguments::text(size_t index, char* buffer, size_t size) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length) != napi_ok) valid_ = false;
  if (!valid_ || length >= size) return false;
  napi_get_value_string_utf8(env_, values_[index], buffer, size, &length);
  return true;
}

// Exports

napi_value integer(napi_env env, int64_t value) {
  napi_value result = nullptr;
  napi_create_int64(env, value, &result);
  return result;
}

void callBack(Environment* environment, napi_ref reference, int64_t argument) {
  napi_env env = environment->env();
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value callback;
  napi_value global;
  napi_get_reference_value(env, reference, &callback);
  napi_get_global(env, &global);
  const napi_value value = integer(env, argument);
  if (napi_make_callback(env, environment->context(), global, callback, 1, &value, nullptr) ==
      napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

void define(napi_env env, napi_value exports, const char* name, int32_t constant) {
  napi_set_named_property(env, exports, name, integer(env, constant));
}

}  // namespace strait

NAPI_MODULE_INIT() {
  new strait::Environment(env);
  strait::defineDescriptors(env, exports);
  strait::defineSockets(env, exports);
  strait::definePolls(env, exports);
  strait::defineMemory(env, exports);
  strait::defineEvents(env, exports);
  strait::defineRings(env, exports);
  strait::defineBlockers(env, exports);
  strait::defineQueues(env, exports);
  strait::defineSignals(env, exports);
  strait::defineSystemV(env, exports);
  strait::defineSemaphores(env, exports);
  strait::defineSemaphoreSets(env, exports);
  strait::defineSlots(env, exports);
  strait::defineSync(env, exports);
  return exports;
}
