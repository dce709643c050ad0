// Node-API as builds with V8's sandbox or compressed pointers have it, Electron's among them. The addon is compiled with
// -Dnapi_create_external_arraybuffer=refuseExternalArrayBuffer and this.

#define NAPI_VERSION 8
#include <node_api.h>

extern "C" napi_status refuseExternalArrayBuffer(napi_env, void*, size_t, napi_finalize, void*, napi_value*) {
  return napi_no_external_buffers_allowed;
}
