// A peer that rewrites the shared memory while this side is at work in it: what was looked at has changed before it is
// used. Whatever comes of it, this side stays inside of the ring (AddressSanitizer, with memory of exactly its size), and
// comes back from every call.
//
//   hostile thread [records to read] [capacity]
//     The peer is a thread, as fast as it can. That it races is the point.
//   hostile ambush [records to read] [capacity]
//     It strikes before each load of this side from the memory: the compiler tells of them, -fsanitize-coverage=trace-loads.
//     So what matters happens on every machine, however busy.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>

#include "ring.h"

using namespace strait::ring;

namespace {

/// xorshift64*: one whose low bits repeat soon would always strike alike.
struct Random {
  uint64_t state;
  uint32_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<uint32_t>(state * 0x2545f4914f6cdd1d >> 32);
  }
  uint32_t below(size_t limit) { return next() % static_cast<uint32_t>(limit); }
};

class Peer {
 public:
  Peer(uint8_t* memory, size_t capacity) : memory_(memory), capacity_(capacity) {}

  /// Where this side is at work, to aim at: offsets behind `kRecords`.
  std::atomic<size_t> reading{0};
  std::atomic<size_t> writing{0};

  /// One store, mostly of what might be.
  void strike() {
    // After padding the reader is at the beginning, which it does not tell.
    const size_t record = kRecords + (random_.below(8) == 0 ? 0 : reading.load(std::memory_order_relaxed));
    const size_t untilEnd = sizeFor(capacity_) - record;
    switch (random_.below(16)) {
      default:
        return store(record, 1 + random_.below(longestRecord(capacity_) + 1));
      case 0:
        return store(record, 0);
      case 1:
        return store(record, 0xfffffff0 + random_.below(16));
      case 2:
        return store(record, static_cast<uint32_t>(untilEnd) - 7 + random_.below(32));
      case 3:
        return store(record + 4, kPadding);
      case 4:
        return store(record + 4, random_.below(8));
      case 5:
        return store(0, static_cast<uint32_t>(writing.load(std::memory_order_relaxed)) - 8 * random_.below(8));
      case 6:
        return store(random_.below(sizeFor(capacity_)), random_.next());
      case 7:
        return store(random_.below(sizeFor(capacity_)), random_.below(64));
    }
  }

 private:
  void store(size_t offset, uint32_t value) {
    reinterpret_cast<std::atomic<uint32_t>*>(memory_ + offset / 4 * 4)->store(value, std::memory_order_relaxed);
  }

  uint8_t* memory_;
  size_t capacity_;
  Random random_{1};
};

/// Who strikes before a load, and where; nobody: null.
Peer* lurking = nullptr;
const uint8_t* begin = nullptr;
const uint8_t* end = nullptr;

void onLoad(const void* address) {
  Peer* peer = lurking;
  if (peer == nullptr || address < begin || address >= end) return;
  // It loads, too.
  lurking = nullptr;
  peer->strike();
  lurking = peer;
}

/// A call during which the peer may strike.
template <typename Call>
auto attacked(Peer* peer, Call call) {
  lurking = peer;
  auto result = call();
  lurking = nullptr;
  return result;
}

}  // namespace

extern "C" void __sanitizer_cov_load1(uint8_t* address) { onLoad(address); }
extern "C" void __sanitizer_cov_load2(uint16_t* address) { onLoad(address); }
extern "C" void __sanitizer_cov_load4(uint32_t* address) { onLoad(address); }
extern "C" void __sanitizer_cov_load8(uint64_t* address) { onLoad(address); }
extern "C" void __sanitizer_cov_load16(__int128* address) { onLoad(address); }

int main(int count, char** arguments) {
  const bool ambush = count > 1 && std::strcmp(arguments[1], "ambush") == 0;
  const long records = count > 2 ? std::atol(arguments[2]) : 1'000;
  const size_t capacity = count > 3 ? static_cast<size_t>(std::atol(arguments[3])) : 256;
  const size_t longest = longestRecord(capacity);
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(128, sizeFor(capacity)));
  auto* bytes = static_cast<uint8_t*>(std::calloc(1, longest));
  // Volatile: nobody looks at what is copied there, and still it must be copied.
  uint8_t* volatile slab = static_cast<uint8_t*>(std::malloc(longest));
  std::memset(memory, 0, sizeFor(capacity));

  Peer peer(memory, capacity);
  std::atomic<bool> over{false};
  std::thread thread;
  begin = memory;
  end = memory + sizeFor(capacity);
  Peer* const lurker = ambush ? &peer : nullptr;
  if (!ambush) {
    thread = std::thread([&] {
      while (!over.load(std::memory_order_relaxed)) peer.strike();
    });
  }

  std::optional<Writer> writer;
  std::optional<Reader> reader;
  Random random{2};
  long written = 0;
  long read = 0;
  long caughtByWriter = 0;
  long caughtByReader = 0;
  while (read < records) {
    // Where it was found out, a new one begins, amid what the last one has left.
    if (!writer || writer->corrupt()) {
      caughtByWriter += writer.has_value();
      writer.emplace(memory, capacity);
      peer.writing = 0;
    }
    if (!reader || reader->corrupt()) {
      caughtByReader += reader.has_value();
      reader.emplace(memory, capacity);
      peer.reading = 0;
    }
    const size_t length = random.below(longest + 1);
    const size_t other = random.below(longest + 1);
    switch (random.below(8)) {
      case 0: {
        const Piece first{bytes, length / 2};
        const Piece second{bytes, length - length / 2};
        if (attacked(lurker, [&] { return writer->write(1, first, second); }) != Outcome::done) break;
        written++;
        peer.writing += spanOf(length);
        break;
      }
      case 1: {
        uint8_t* payload = attacked(lurker, [&] { return writer->claim(length); });
        if (payload == nullptr) break;
        std::memcpy(payload, bytes, length);
        attacked(lurker, [&] {
          writer->hasRoomFor(other);
          writer->commit(0, length - other % (length + 1));
          return writer->readerSleeps();
        });
        written++;
        break;
      }
      case 2:
        attacked(lurker, [&] {
          writer->willSleep();
          const bool room = writer->hasRoomFor(length);
          writer->wokeUp();
          return room;
        });
        break;
      case 3:
        attacked(lurker, [&] {
          reader->publish();
          reader->willSleep();
          const bool ready = reader->ready();
          reader->wokeUp();
          return ready;
        });
        break;
      default: {
        Record record;
        if (attacked(lurker, [&] { return reader->read(&record); }) != Outcome::done) break;
        // What has changed since does not count any more.
        std::memcpy(slab, record.payload, record.length);
        read++;
        attacked(lurker, [&] { return reader->release(); });
        const size_t at = static_cast<size_t>(record.payload - memory) - kRecords - kHeader;
        peer.reading = (at + spanOf(record.length)) % capacity;
        break;
      }
    }
  }
  over = true;
  if (!ambush) thread.join();
  std::free(slab);
  std::free(bytes);
  std::free(memory);
  std::printf("%ld written, %ld read, caught %ld + %ld times\n", written, read, caughtByWriter, caughtByReader);
  return 0;
}
