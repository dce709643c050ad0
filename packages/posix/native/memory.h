#pragma once

#include "addon.h"

namespace strait {

/// Lets go of memory.
using Release = void (*)(void* address, size_t size);

/// A region over memory that is released when TypeScript lets go of it, and at the latest with the environment; nullptr:
/// the environment is ending.
napi_value makeRegion(napi_env env, void* address, size_t size, bool writable, Release release);

/// The memory of a region, as long as TypeScript keeps it mapped; nothing where the value is none.
Bytes memoryOf(napi_env env, napi_value region);

}  // namespace strait
