#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "floor.h"

/*
 * One byte, repeated: all of them are written, and one in each cache line is read. The highest bit says that another
 * message follows in this stretch; the others count the rounds.
 */
enum { MORE = 0x80, COUNT = 0x7f, CACHE_LINE = 64 };

static inline void write_payload(uint8_t *payload, size_t size, uint8_t byte) {
  memset(payload, byte, size);
}

/** The byte of a payload. Ends the process when it is not the same everywhere. */
static inline uint8_t read_payload(const uint8_t *payload, size_t size) {
  const uint8_t byte = payload[0];
  uint8_t difference = payload[size - 1] ^ byte;
  for (size_t at = 0; at < size; at += CACHE_LINE) difference |= payload[at] ^ byte;
  if (difference != 0) give_up("a payload was damaged");
  return byte;
}
