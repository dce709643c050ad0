// Two threads on one ring, for ThreadSanitizer: every record arrives whole, in order, whatever the sizes, and nobody
// sleeps through what the other did.
//
//   threads [records] [capacity]

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "ring.h"

using namespace strait::ring;

namespace {

uint32_t next(uint32_t& state) { return state = state * 1664525 + 1013904223; }

/// A doorbell, which wakes once for each ring; std::atomic::wait is a futex here.
struct Bell {
  std::atomic<uint32_t> rings{0};
  uint32_t heard = 0;
  void ring() {
    rings.fetch_add(1);
    rings.notify_one();
  }
  void wait() {
    uint32_t now;
    while ((now = rings.load()) == heard) rings.wait(heard);
    heard = now;
  }
};

void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

int main(int count, char** arguments) {
  const long records = count > 1 ? std::atol(arguments[1]) : 100'000;
  const size_t capacity = count > 2 ? static_cast<size_t>(std::atol(arguments[2])) : 1024;
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(128, (sizeFor(capacity) + 127) / 128 * 128));
  std::memset(memory, 0, sizeFor(capacity));
  Bell toReader;
  Bell toWriter;

  std::thread writer([&] {
    Writer ring(memory, capacity);
    uint32_t state = 1;
    std::vector<uint8_t> payload(longestRecord(capacity));
    for (long index = 0; index < records; index++) {
      const size_t length = next(state) % (payload.size() + 1);
      for (size_t i = 0; i < length; i++) payload[i] = static_cast<uint8_t>(index + static_cast<long>(i));
      const size_t cut = length / 3;
      while (ring.write(static_cast<uint32_t>(index & 0xff), {payload.data(), cut}, {payload.data() + cut, length - cut}) !=
             Outcome::done) {
        ring.willSleep();
        if (!ring.hasRoomFor(length)) toWriter.wait();
        ring.wokeUp();
      }
      if (ring.readerSleeps()) toReader.ring();
    }
  });

  Reader ring(memory, capacity);
  uint32_t state = 1;
  for (long index = 0; index < records; index++) {
    Record record;
    while (ring.read(&record) != Outcome::done) {
      if (ring.corrupt()) fail("corrupt");
      if (ring.publish()) toWriter.ring();
      ring.willSleep();
      if (!ring.ready()) toReader.wait();
      ring.wokeUp();
    }
    if (record.kind != static_cast<uint32_t>(index & 0xff)) fail("a record is out of order");
    if (record.length != next(state) % (longestRecord(capacity) + 1)) fail("a record has another length");
    for (size_t i = 0; i < record.length; i++)
      if (record.payload[i] != static_cast<uint8_t>(index + static_cast<long>(i))) fail("a payload is damaged");
    if (ring.release()) toWriter.ring();
  }
  writer.join();
  std::free(memory);
  std::printf("%ld records\n", records);
  return 0;
}
