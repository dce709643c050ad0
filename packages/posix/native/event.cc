#include "addon.h"

namespace strait {

void defineEvents(napi_env, napi_value) {}

}  // namespace strait
