#include "addon.h"

namespace strait {

void defineMemory(napi_env, napi_value) {}

}  // namespace strait
