// Node-API as builds with V8's sandbox or compressed pointers have it, Electron's among them. The addon is linked with
// this and --wrap=napi_create_external_arraybuffer.

#define NAPI_VERSION 8
#include <node_api.h>

extern "C" napi_status __wrap_napi_create_external_arraybuffer(napi_env, void*, size_t, napi_finalize, void*, napi_value*) {
  return napi_no_external_buffers_allowed;
}
