// Memory that processes share: shm_overview(7), memfd_create(2), mmap(2).

#include "memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

namespace strait {
namespace {

constexpr napi_type_tag kRegionTag = {0x51c0e7b94f6a4d2c, 0xa8e3197d20f54b66};

/// A mapping. It is unmapped at the latest when JavaScript has let go both the external and the ArrayBuffer, in
/// whichever order, or when the environment ends.
struct Region {
  napi_env env;
  uint8_t* address;
  size_t size;
  bool writable;
  Release release;
  /// The external lives.
  bool held;
  /// V8 has a backing store that points here.
  bool buffered;
};

void unmap(Region* region) {
  if (region->address != nullptr) region->release(region->address, region->size);
  region->address = nullptr;
}

/// No JavaScript runs any more. Where the end came in the middle of a call, no finalizer may have been registered.
void onEnd(void* data) { unmap(static_cast<Region*>(data)); }

void freeIfDone(Region* region) {
  if (region->held || region->buffered) return;
  unmap(region);
  napi_remove_env_cleanup_hook(region->env, onEnd, region);
  delete region;
}

Region* regionIn(napi_env env, napi_value value) {
  bool ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, value, &kRegionTag, &ours) != napi_ok || !ours) return nullptr;
  napi_get_value_external(env, value, &data);
  return static_cast<Region*>(data);
}

Region* regionOf(Arguments& arguments) { return regionIn(arguments.env(), arguments.value(0)); }

/// (name) → descriptor of memory without a name in the file system; `name` is what /proc shows. It may be sealed.
int64_t makeMemory(Arguments& arguments) {
  char name[NAME_MAX];
  if (!arguments.text(0, name, sizeof name)) return -EINVAL;
  return Environment::of(arguments.env())
      ->own(static_cast<int>(outcome(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING))));
}

/// (descriptor, size) Reserves the memory as well: what a full file system lacks is an error here, not SIGBUS later.
int64_t allocate(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const double size = arguments.number(1);
  if (!arguments.valid()) return -EINVAL;
  int result;
  do {
    result = fallocate(descriptor, 0, 0, static_cast<off_t>(size));
  } while (result < 0 && errno == EINTR);
  return outcome(result);
}

/// (descriptor, path) Gives a file made with O_TMPFILE its name; -EEXIST where that is taken.
int64_t linkDescriptor(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  char path[PATH_MAX];
  if (!arguments.text(1, path, sizeof path)) return arguments.valid() ? -ENAMETOOLONG : -EINVAL;
  char file[32];
  std::snprintf(file, sizeof file, "/proc/self/fd/%d", descriptor);
  return outcome(linkat(AT_FDCWD, file, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
}

/// (descriptor) → its seals; -EINVAL where it can have none.
int64_t sealsOf(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  return arguments.valid() ? outcome(fcntl(descriptor, F_GET_SEALS)) : -EINVAL;
}

/// (descriptor, seals)
int64_t addSeals(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const int seals = arguments.integer(1);
  return arguments.valid() ? outcome(fcntl(descriptor, F_ADD_SEALS, seals)) : -EINVAL;
}

/// (descriptor, size, shared) → a region, or -errno. Where it is not shared, what is written stays in this process.
napi_value mapMemory(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int descriptor = arguments.integer(0);
  const double size = arguments.number(1);
  const bool shared = arguments.truth(2);
  if (!arguments.valid() || !(size >= 1)) return integer(env, -EINVAL);
  const auto length = static_cast<size_t>(size);
  void* address = mmap(nullptr, length, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) return integer(env, -errno);
  return makeRegion(env, address, length, shared, [](void* memory, size_t bytes) { munmap(memory, bytes); });
}

/// (region) → its one ArrayBuffer; -ENOTSUP where this build of V8 has none over memory that it did not allocate.
napi_value memoryBuffer(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Region* region = regionOf(arguments);
  if (region == nullptr || region->address == nullptr || region->buffered) return integer(env, -EINVAL);
  region->buffered = true;
  napi_value buffer = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, region->address, region->size,
      [](napi_env, void*, void* hint) {
        auto* region = static_cast<Region*>(hint);
        region->buffered = false;
        freeIfDone(region);
      },
      region, &buffer);
  if (status == napi_ok) return buffer;
  if (status != napi_no_external_buffers_allowed) return nullptr;  // the environment is ending
  region->buffered = false;
  return integer(env, -ENOTSUP);
}

/// (region, its ArrayBuffer | undefined: nothing reaches there any more) Detaches the buffer and unmaps.
int64_t unmapMemory(Arguments& arguments) {
  Region* region = regionOf(arguments);
  const napi_value buffer = arguments.value(1);
  napi_valuetype type;
  if (region == nullptr || napi_typeof(arguments.env(), buffer, &type) != napi_ok) return -EINVAL;
  if (type != napi_undefined) {
    void* data = nullptr;
    size_t length = 0;
    if (napi_get_arraybuffer_info(arguments.env(), buffer, &data, &length) != napi_ok || data != region->address ||
        napi_detach_arraybuffer(arguments.env(), buffer) != napi_ok) {
      return -EINVAL;  // it stays mapped until the buffer is collected
    }
  }
  unmap(region);
  return 0;
}

/// (region, at, target, offset, length) Copies out of the region.
int64_t readMemory(Arguments& arguments) {
  Region* region = regionOf(arguments);
  const double at = arguments.number(1);
  const Bytes target = arguments.part(2);
  if (region == nullptr || region->address == nullptr || !arguments.valid()) return -EINVAL;
  if (!(at >= 0 && at + static_cast<double>(target.length) <= static_cast<double>(region->size))) return -EINVAL;
  if (target.length > 0) std::memcpy(target.data, region->address + static_cast<size_t>(at), target.length);
  return static_cast<int64_t>(target.length);
}

/// (region, at, source, offset, length) Copies into the region.
int64_t writeMemory(Arguments& arguments) {
  Region* region = regionOf(arguments);
  const double at = arguments.number(1);
  const Bytes source = arguments.part(2);
  if (region == nullptr || region->address == nullptr || !arguments.valid()) return -EINVAL;
  if (!region->writable) return -EACCES;
  if (!(at >= 0 && at + static_cast<double>(source.length) <= static_cast<double>(region->size))) return -EINVAL;
  if (source.length > 0) std::memcpy(region->address + static_cast<size_t>(at), source.data, source.length);
  return static_cast<int64_t>(source.length);
}

}  // namespace

napi_value makeRegion(napi_env env, void* address, size_t size, bool writable, Release release) {
  auto* region = new Region{env, static_cast<uint8_t*>(address), size, writable, release, true, false};
  napi_add_env_cleanup_hook(env, onEnd, region);
  napi_value external = nullptr;
  const napi_status status = napi_create_external(
      env, region,
      [](napi_env, void* data, void*) {
        auto* region = static_cast<Region*>(data);
        region->held = false;
        freeIfDone(region);
      },
      nullptr, &external);
  if (status != napi_ok) {  // the environment is ending
    region->held = false;
    freeIfDone(region);
    return nullptr;
  }
  napi_type_tag_object(env, external, &kRegionTag);
  return external;
}

Bytes memoryOf(napi_env env, napi_value value) {
  const Region* region = regionIn(env, value);
  if (region == nullptr || region->address == nullptr) return {};
  return {region->address, region->size, true};
}

void defineMemory(napi_env env, napi_value exports) {
  define<makeMemory>(env, exports, "memfd");
  define<allocate>(env, exports, "allocate");
  define<linkDescriptor>(env, exports, "linkDescriptor");
  define<sealsOf>(env, exports, "seals");
  define<addSeals>(env, exports, "addSeals");
  define(env, exports, "mapMemory", mapMemory);
  define(env, exports, "memoryBuffer", memoryBuffer);
  define<unmapMemory>(env, exports, "unmapMemory");
  define<readMemory>(env, exports, "readMemory");
  define<writeMemory>(env, exports, "writeMemory");
  define(env, exports, "O_TMPFILE", O_TMPFILE);
  define(env, exports, "F_SEAL_SEAL", F_SEAL_SEAL);
  define(env, exports, "F_SEAL_SHRINK", F_SEAL_SHRINK);
  define(env, exports, "F_SEAL_GROW", F_SEAL_GROW);
  define(env, exports, "F_SEAL_WRITE", F_SEAL_WRITE);
  define(env, exports, "F_SEAL_FUTURE_WRITE", F_SEAL_FUTURE_WRITE);
}

}  // namespace strait
