// Copies one byte too many: what scripts/sanitize.mjs must find, or its silence says nothing. Part of no other build.
#pragma once

#include <cstring>

namespace std {
inline void* copyOneTooMany(void* to, const void* from, size_t count) { return memcpy(to, from, count + 1); }
}  // namespace std

#define memcpy copyOneTooMany
