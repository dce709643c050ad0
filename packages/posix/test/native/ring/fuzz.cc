// A peer that rewrites the shared memory, for libFuzzer. Whatever it stores, this side
//
//   - reads and writes only inside of the ring: AddressSanitizer, with memory of exactly its size;
//   - never writes over what the peer can still be reading;
//   - hands out only records that stand there and fit into the longest one's place, and passes over nothing else;
//   - comes back.
//
// And while the peer has stored nothing, every record arrives, in order. What changes in the middle of a call is for
// hostile.cc.
//
// The input is the capacity, then a list of steps: what the peer stores, and what this side does in between.

#include <sys/time.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ring.h"

using namespace strait::ring;

namespace {

constexpr size_t kCapacities[] = {256, 4096};
constexpr size_t kLargest = 4096;
/// More records than any ring here holds.
constexpr size_t kMost = kLargest / kHeader;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

struct Steps {
  const uint8_t* data;
  size_t left;
  uint32_t take(size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes && left > 0; i++, data++, left--) value = value << 8 | *data;
    return value;
  }
};

/// Memory of exactly so many bytes, made once: a sanitizer sees the first byte outside.
struct Memory {
  uint8_t* ring;
  /// Where received bytes go.
  uint8_t* slab;
  explicit Memory(size_t capacity)
      : ring(static_cast<uint8_t*>(std::aligned_alloc(128, sizeFor(capacity)))),
        slab(static_cast<uint8_t*>(std::malloc(longestRecord(capacity)))) {}
};
static_assert(sizeFor(256) % 128 == 0 && sizeFor(4096) % 128 == 0);

class Ends {
 public:
  Ends(const Memory& memory, size_t capacity)
      : memory_(memory.ring),
        slab_(memory.slab),
        capacity_(capacity),
        writer_(memory.ring, capacity),
        reader_(memory.ring, capacity) {
    std::memset(memory_, 0, sizeFor(capacity));
  }

  /// Any number as the length of a record.
  size_t lengthOf(uint32_t value) const { return value % (longestRecord(capacity_) + 1); }

  // The peer

  void store(size_t offset, uint32_t value) {
    touched_ = true;
    std::memcpy(memory_ + offset, &value, sizeof value);
  }
  void storeAnywhere(uint32_t where, uint32_t value) { store(where % (sizeFor(capacity_) / 4) * 4, value); }
  void storeFreed(int distance) {
    touched_ = true;
    const uint64_t freed = written_ + static_cast<uint64_t>(int64_t{distance});
    std::memcpy(memory_, &freed, sizeof freed);
  }
  /// Where the reader looks next.
  void storeRecord(uint32_t commit, uint32_t kind) {
    store(kRecords + offsetOf(read_), commit);
    store(kRecords + offsetOf(read_) + 4, kind);
  }
  void storePadding() { storeRecord(static_cast<uint32_t>(untilEnd(read_) - kHeader + 1), kPadding); }

  // The writer

  void write(size_t first, size_t second) {
    static uint8_t bytes[kLargest];
    std::memset(bytes, mark(sent_), first + second);
    const bool wasCorrupt = writer_.corrupt();
    learn();
    const Outcome outcome = writer_.write(mark(sent_), {bytes, first}, {bytes + first, second});
    check();
    require(!wasCorrupt || outcome != Outcome::notNow, "corrupt is not for ever");
    if (outcome == Outcome::done) wrote(first + second, first + second);
  }

  /// Where a record may be written in place, and is; `commit` publishes it.
  uint8_t* claim(size_t length) {
    learn();
    uint8_t* payload = writer_.claim(length);
    check();
    require((payload != nullptr) == writer_.hasRoomFor(length), "there is room, or there is none");
    if (payload == nullptr) return nullptr;
    const uint64_t at = written_ + paddingFor(length);
    require(payload == memory_ + kRecords + offsetOf(at) + kHeader, "claimed somewhere else");
    checkRoom(length);
    std::memset(payload, mark(sent_), length);
    return payload;
  }

  /// The first `length` bytes of what was claimed last.
  void commit(size_t claimed, size_t length) {
    writer_.commit(mark(sent_), length);
    wrote(claimed, length);
  }

  void hasRoomFor(size_t length) {
    learn();
    writer_.hasRoomFor(length);
    check();
  }

  void writerSleeps(bool sleeps) { sleeps ? writer_.willSleep() : writer_.wokeUp(); }
  void wakeReader() {
    if (writer_.readerSleeps()) require(!writer_.readerSleeps(), "told twice that the reader sleeps");
  }

  // The reader

  /// True: there is a record, which stays until `release`.
  bool read() {
    if (lent_) release();
    const bool ready = reader_.ready();
    const bool wasCorrupt = reader_.corrupt();
    Record record;
    const Outcome outcome = reader_.read(&record);
    check();
    if (outcome == Outcome::corrupt) return false;
    require(!wasCorrupt, "corrupt is not for ever");
    if (ready && kindAt(read_) == kPadding) {
      require(commitAt(read_) - 1 == untilEnd(read_) - kHeader, "passed over something else than padding");
      read_ += untilEnd(read_);
    }
    if (outcome == Outcome::notNow) {
      require(commitAt(read_) == 0, "missed a record");
      return false;
    }
    require(record.payload == memory_ + kRecords + offsetOf(read_) + kHeader, "read somewhere else");
    require(commitAt(read_) - 1 == record.length && kindAt(read_) == record.kind, "read something else");
    std::memcpy(slab_, record.payload, record.length);
    length_ = record.length;
    lent_ = true;
    if (!touched_) {
      require(record.kind == mark(received_) && length_ == lengths_[received_ % kMost], "out of order");
      require(length_ == 0 || (slab_[0] == record.kind && slab_[length_ - 1] == record.kind), "damaged");
    }
    return true;
  }

  void release() {
    if (!lent_) return;
    lent_ = false;
    received_++;
    read_ += spanOf(length_);
    reader_.release();
    require(touched_ || read_ - freed() < capacity_ / 4, "a quarter is kept back");
  }

  void publish() {
    reader_.publish();
    require(touched_ || freed() == read_, "room is kept back");
    require(!reader_.publish(), "told twice that the writer sleeps");
  }

  void readerSleeps(bool sleeps) { sleeps ? reader_.willSleep() : reader_.wokeUp(); }

 private:
  /// The kind of a record, and each byte of it.
  static uint8_t mark(uint32_t count) { return static_cast<uint8_t>(count); }
  size_t offsetOf(uint64_t position) const { return position % capacity_; }
  size_t untilEnd(uint64_t position) const { return capacity_ - offsetOf(position); }
  size_t paddingFor(size_t length) const {
    return spanOf(length) <= untilEnd(written_) ? 0 : untilEnd(written_);
  }

  uint32_t wordAt(size_t offset) const {
    uint32_t value;
    std::memcpy(&value, memory_ + offset, sizeof value);
    return value;
  }
  uint32_t commitAt(uint64_t position) const { return wordAt(kRecords + offsetOf(position)); }
  uint32_t kindAt(uint64_t position) const { return wordAt(kRecords + offsetOf(position) + 4); }
  uint64_t freed() const {
    uint64_t value;
    std::memcpy(&value, memory_, sizeof value);
    return value;
  }

  /// What the writer may believe of what stands there; nothing any more, once it has been lied to.
  void learn() {
    if (writer_.corrupt()) return;
    const uint64_t now = freed();
    if (now > freed_ && now <= written_ && now % 8 == 0) freed_ = now;
  }
  void checkRoom(size_t length) const {
    require(written_ + paddingFor(length) + spanOf(length) + kHeader <= freed_ + capacity_,
            "wrote over what has not been freed");
  }
  void check() const {
    require(touched_ || (!writer_.corrupt() && !reader_.corrupt()), "corrupt, and nobody touched it");
  }

  void wrote(size_t claimed, size_t length) {
    checkRoom(claimed);
    lengths_[sent_++ % kMost] = static_cast<uint16_t>(length);
    written_ += paddingFor(claimed) + spanOf(length);
  }

  uint8_t* memory_;
  uint8_t* slab_;
  size_t capacity_;
  Writer writer_;
  Reader reader_;

  /// Whether the peer has stored anything.
  bool touched_ = false;
  /// Where the next record begins.
  uint64_t written_ = 0;
  uint64_t read_ = 0;
  /// The most that the writer may take for freed.
  uint64_t freed_ = 0;
  uint32_t sent_ = 0;
  uint32_t received_ = 0;
  uint16_t lengths_[kMost];
  /// Of the record that was read and not released.
  size_t length_ = 0;
  bool lent_ = false;
};

/// Inputs so far.
volatile uint64_t inputs = 0;

/// After each second of our own, for libFuzzer's timeout counts what a busy machine gives to others.
void onSecond(int) {
  static uint64_t last = 0;
  static int seconds = 0;
  seconds = inputs == last ? seconds + 1 : 0;
  last = inputs;
  require(seconds < 3, "does not come back");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::signal(SIGVTALRM, onSecond);
  const itimerval second{{1, 0}, {1, 0}};
  return setitimer(ITIMER_VIRTUAL, &second, nullptr);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  inputs = inputs + 1;
  static const Memory memories[] = {Memory(kCapacities[0]), Memory(kCapacities[1])};
  Steps steps{data, size};
  const size_t which = steps.take(1) % 2;
  Ends ends(memories[which], kCapacities[which]);
  while (steps.left > 0) {
    switch (steps.take(1) % 14) {
      case 0: {
        const uint32_t where = steps.take(2);
        ends.storeAnywhere(where, steps.take(4));
        break;
      }
      case 1: {
        // Small values, which are the plausible ones.
        const uint32_t where = steps.take(2);
        ends.storeAnywhere(where, steps.take(1));
        break;
      }
      case 2:
        ends.storeFreed(static_cast<int16_t>(steps.take(2)));
        break;
      case 3: {
        const uint32_t commit = steps.take(2);
        ends.storeRecord(commit, steps.take(1));
        break;
      }
      case 4:
        ends.storePadding();
        break;
      case 5: {
        const size_t length = ends.lengthOf(steps.take(2));
        const size_t cut = steps.take(1) % (length + 1);
        ends.write(cut, length - cut);
        break;
      }
      case 6: {
        // Another claim takes the place of the first; not all of it need be published.
        size_t length = ends.lengthOf(steps.take(2));
        const uint32_t then = steps.take(1);
        if (ends.claim(length) == nullptr) break;
        if (then % 4 == 1 && ends.claim(length = ends.lengthOf(steps.take(2))) == nullptr) break;
        if (then % 4 == 2) ends.hasRoomFor(ends.lengthOf(steps.take(2)));
        if (then % 4 != 3) ends.commit(length, length - then / 4 % (length + 1));
        break;
      }
      case 7:
        ends.hasRoomFor(ends.lengthOf(steps.take(2)));
        break;
      case 8:
        ends.read();
        break;
      case 9:
        if (ends.read()) ends.release();
        break;
      case 10:
        // Some at most: where the peer has left a whole lap of records, there is always one more.
        for (int i = 0; i < 8 && ends.read(); i++) ends.release();
        break;
      case 11:
        ends.publish();
        break;
      case 12:
        ends.writerSleeps((steps.take(1) & 1) != 0);
        ends.wakeReader();
        break;
      case 13:
        ends.readerSleeps((steps.take(1) & 1) != 0);
        break;
    }
  }
  return 0;
}
