// A peer that rewrites the shared memory, for libFuzzer: whatever it does, this side reads and writes only inside the
// ring, and says `corrupt` in place of going on for ever.
//
// The input is a list of steps: what the peer stores and where, and what this side does in between.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "ring.h"

using namespace strait::ring;

namespace {

constexpr size_t kCapacity = 256;

struct Steps {
  const uint8_t* data;
  size_t left;
  uint32_t take(size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes && left > 0; i++, data++, left--) value = value << 8 | *data;
    return value;
  }
};

/// Exactly as large as the ring, so that a sanitizer sees the first byte outside.
uint8_t* allocate() {
  static uint8_t* memory = static_cast<uint8_t*>(std::aligned_alloc(128, sizeFor(kCapacity)));
  static_assert(sizeFor(kCapacity) % 128 == 0);
  std::memset(memory, 0, sizeFor(kCapacity));
  return memory;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Steps steps{data, size};
  uint8_t* memory = allocate();
  Writer writer(memory, kCapacity);
  Reader reader(memory, kCapacity);
  std::vector<uint8_t> payload(longestRecord(kCapacity));
  std::vector<uint8_t> copy;
  while (steps.left > 0) {
    switch (steps.take(1) % 7) {
      case 0: {
        const uint32_t offset = steps.take(2) % (sizeFor(kCapacity) / 4) * 4;
        const uint32_t value = steps.take(4);
        std::memcpy(memory + offset, &value, sizeof value);
        break;
      }
      case 1: {
        // Small values, which are the plausible ones.
        const uint32_t offset = steps.take(2) % (sizeFor(kCapacity) / 4) * 4;
        const uint32_t value = steps.take(1);
        std::memcpy(memory + offset, &value, sizeof value);
        break;
      }
      case 2:
        writer.write(steps.take(1), {payload.data(), steps.take(1) % (payload.size() + 1)});
        break;
      case 3: {
        Record record;
        if (reader.read(&record) != Outcome::done) break;
        copy.assign(record.payload, record.payload + record.length);
        reader.release();
        break;
      }
      case 4:
        writer.readerSleeps();
        reader.publish();
        break;
      case 5:
        reader.willSleep();
        reader.ready();
        writer.hasRoomFor(steps.take(1) % (payload.size() + 1));
        break;
      case 6: {
        // Written in place, and perhaps not all of it.
        const size_t length = steps.take(1) % (payload.size() + 1);
        uint8_t* place = writer.claim(length);
        if (place == nullptr) break;
        std::memcpy(place, payload.data(), length);
        writer.commit(steps.take(1), length - steps.take(1) % (length + 1));
        break;
      }
    }
  }
  return 0;
}
