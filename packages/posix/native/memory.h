#pragma once

#include "addon.h"

namespace strait {

/// The memory of a region, as long as TypeScript keeps it mapped; nothing where the value is none.
Bytes memoryOf(napi_env env, napi_value region);

}  // namespace strait
