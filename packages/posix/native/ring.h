// A ring of byte records in memory that two processes share: one writes, the other reads. It knows nothing of Node, and
// nothing of waiting but the one bit that says that somebody sleeps.
//
// The other process is not trusted. Whatever is read from the shared memory is read once, into a local, and held
// against what this side knows; what cannot be ends the ring as corrupt. Each side keeps its own position to itself and
// only publishes it.
//
// Layout, of one direction, from a multiple of 128 on. Lines that one side writes often are 128 bytes apart, because
// processors fetch two lines of 64 together:
//
//   offset    0                128                 256                 384
//             +----------------+-------------------+-------------------+----------------------------
//             | freed, u64     | readerSleeps, u32 | writerSleeps, u32 | records, `capacity` bytes
//             +----------------+-------------------+-------------------+----------------------------
//             by the reader    by both             by both             by the writer
//
// A record begins at a multiple of 8:
//
//   0               4               8                  8 + length, then up to the next multiple of 8
//   +---------------+---------------+-----------------+
//   | commit, u32   | kind, u32     | payload         |
//   +---------------+---------------+-----------------+
//
//   commit = 0: not there yet; otherwise length + 1. It is stored last.
//   kind = kPadding: nothing, up to the end of the ring; the next record begins at its start.
//
// Before a record is committed, the commit of the one behind it is set to zero: so the reader finds a zero there,
// whatever an earlier lap has left, until the writer comes again. That takes room for one more header than the records.
//
// Pairing:
//   writer: store-release of commit          ↔  reader: load-acquire of commit        (the payload is there)
//   reader: store-release of freed           ↔  writer: load-acquire of freed         (the payload has been copied)
//   sleeper: exchange of …Sleeps, then looks ↔  other: publishes, fence, load of …Sleeps
//     Both are sequentially consistent. If the look misses what was published, the load finds the sleeper, and rings.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strait::ring {

struct Shared {
  alignas(128) std::atomic<uint64_t> freed;
  alignas(128) std::atomic<uint32_t> readerSleeps;
  alignas(128) std::atomic<uint32_t> writerSleeps;
};

constexpr size_t kRecords = 384;
constexpr size_t kHeader = 8;
constexpr uint32_t kPadding = 0xffffffff;

static_assert(offsetof(Shared, freed) == 0 && offsetof(Shared, readerSleeps) == 128 &&
              offsetof(Shared, writerSleeps) == 256 && sizeof(Shared) == kRecords);
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

/// What one direction takes, in bytes. `capacity` is a power of two, at least 256.
constexpr size_t sizeFor(size_t capacity) { return kRecords + capacity; }

/// The longest payload of a record: two always fit, so that one can be written while the other is read.
constexpr size_t longestRecord(size_t capacity) { return capacity / 2 - 2 * kHeader; }

constexpr size_t spanOf(size_t length) { return kHeader + ((length + 7) & ~size_t{7}); }

enum class Outcome { done, notNow, corrupt };

/// One piece of a payload.
struct Piece {
  const void* data;
  size_t length;
};

class Side {
 protected:
  Side(void* memory, size_t capacity)
      : shared_(static_cast<Shared*>(memory)),
        records_(static_cast<uint8_t*>(memory) + kRecords),
        capacity_(capacity) {}

  std::atomic<uint32_t>& commitAt(uint64_t position) const {
    return *reinterpret_cast<std::atomic<uint32_t>*>(records_ + offsetOf(position));
  }
  uint32_t& kindAt(uint64_t position) const {
    return *reinterpret_cast<uint32_t*>(records_ + offsetOf(position) + sizeof(uint32_t));
  }
  uint8_t* payloadAt(uint64_t position) const { return records_ + offsetOf(position) + kHeader; }
  size_t offsetOf(uint64_t position) const { return position & (capacity_ - 1); }
  /// From here to the end of the ring; at least a header.
  size_t untilEnd(uint64_t position) const { return capacity_ - offsetOf(position); }

  Shared* shared_;
  uint8_t* records_;
  size_t capacity_;
  /// Bytes since the beginning, ever.
  uint64_t position_ = 0;
};

/// The side that writes. For one thread.
class Writer : Side {
 public:
  Writer(void* memory, size_t capacity) : Side(memory, capacity) {}

  /// Writes a record of one or two pieces, `longestRecord` bytes at most, or nothing of it.
  Outcome write(uint32_t kind, Piece first, Piece second = {nullptr, 0}) {
    uint8_t* payload = claim(first.length + second.length);
    if (payload == nullptr) return corrupt_ ? Outcome::corrupt : Outcome::notNow;
    if (first.length > 0) std::memcpy(payload, first.data, first.length);
    if (second.length > 0) std::memcpy(payload + first.length, second.data, second.length);
    commit(kind, first.length + second.length);
    return Outcome::done;
  }

  /// Where the payload of the next record may be written, or nothing: no room, or corrupt. The reader sees nothing of it
  /// before `commit`; another claim takes the place of this one.
  uint8_t* claim(size_t length) {
    const size_t span = spanOf(length);
    const size_t end = untilEnd(position_);
    padding_ = span <= end ? 0 : end;
    // One header more: the zero behind the record.
    if (!hasRoom(padding_ + span + kHeader)) return nullptr;
    return payloadAt(position_ + padding_);
  }

  /// Publishes what was claimed, or its first `length` bytes.
  void commit(uint32_t kind, size_t length) {
    const uint64_t at = position_ + padding_;
    const uint64_t next = at + spanOf(length);
    kindAt(at) = kind;
    commitAt(next).store(0, std::memory_order_relaxed);
    commitAt(at).store(static_cast<uint32_t>(length) + 1, std::memory_order_release);
    if (padding_ > 0) {
      // The reader gets to the record only through the padding, whose commit comes last.
      kindAt(position_) = kPadding;
      commitAt(position_).store(static_cast<uint32_t>(padding_ - kHeader) + 1, std::memory_order_release);
    }
    position_ = next;
  }

  /// Whether a record of this length would go in now.
  bool hasRoomFor(size_t length) {
    const size_t span = spanOf(length);
    const size_t end = untilEnd(position_);
    return hasRoom((span <= end ? 0 : end) + span + kHeader);
  }

  /// After writing: whether the reader must be woken. It is not told twice.
  bool readerSleeps() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return shared_->readerSleeps.load(std::memory_order_relaxed) != 0 &&
           shared_->readerSleeps.exchange(0, std::memory_order_seq_cst) != 0;
  }

  /// Before sleeping: afterwards look once more whether there is room.
  void willSleep() { shared_->writerSleeps.exchange(1, std::memory_order_seq_cst); }
  void wokeUp() { shared_->writerSleeps.store(0, std::memory_order_relaxed); }

  bool corrupt() const { return corrupt_; }

 private:
  bool hasRoom(size_t bytes) {
    if (bytes <= capacity_ - (position_ - freed_)) return true;
    if (corrupt_) return false;
    const uint64_t freed = shared_->freed.load(std::memory_order_acquire);
    // Only forward, only up to where we are, and only whole records.
    if (freed < freed_ || freed > position_ || (freed & 7) != 0) {
      corrupt_ = true;
      return false;
    }
    freed_ = freed;
    return bytes <= capacity_ - (position_ - freed_);
  }

  uint64_t freed_ = 0;
  size_t padding_ = 0;
  bool corrupt_ = false;
};

/// A record that is there. The payload can be changed by a hostile writer while it is looked at: copy it first.
struct Record {
  uint32_t kind;
  const uint8_t* payload;
  size_t length;
};

/// The side that reads. For one thread.
class Reader : Side {
 public:
  Reader(void* memory, size_t capacity) : Side(memory, capacity) {}

  /// The next record, which stays where it is until `release`.
  Outcome read(Record* record) {
    if (corrupt_) return Outcome::corrupt;
    for (int padded = 0;; padded++) {
      const uint32_t commit = commitAt(position_).load(std::memory_order_acquire);
      if (commit == 0) return Outcome::notNow;
      const size_t length = size_t{commit} - 1;
      // Read once: what is held against the bounds is what is used.
      const uint32_t kind = reinterpret_cast<const volatile uint32_t&>(kindAt(position_));
      const size_t end = untilEnd(position_);
      if (kind == kPadding) {
        if (length != end - kHeader || padded > 0) return fail();
        position_ += end;
        unpublished_ += end;
        continue;
      }
      if (length > longestRecord(capacity_) || spanOf(length) > end) return fail();
      *record = {kind, payloadAt(position_), length};
      span_ = spanOf(length);
      return Outcome::done;
    }
  }

  /// Gives the room of the record that was read back. The writer learns of it when a quarter of the ring has gathered,
  /// for each time costs both sides a cache line; true: now, and it must be woken.
  bool release() {
    position_ += span_;
    unpublished_ += span_;
    span_ = 0;
    return unpublished_ >= capacity_ / 4 && publish();
  }

  /// Lets the writer have all the room there is: whoever finds nothing to read calls this, so that nobody waits for
  /// room that is free. True: it must be woken, and is not told twice.
  bool publish() {
    if (unpublished_ == 0) return false;
    unpublished_ = 0;
    shared_->freed.store(position_, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return shared_->writerSleeps.load(std::memory_order_relaxed) != 0 &&
           shared_->writerSleeps.exchange(0, std::memory_order_seq_cst) != 0;
  }

  /// Whether `read` would find something, without touching it.
  bool ready() const { return corrupt_ || commitAt(position_).load(std::memory_order_acquire) != 0; }

  /// Before sleeping: afterwards look once more.
  void willSleep() { shared_->readerSleeps.exchange(1, std::memory_order_seq_cst); }
  void wokeUp() { shared_->readerSleeps.store(0, std::memory_order_relaxed); }

  bool corrupt() const { return corrupt_; }

 private:
  Outcome fail() {
    corrupt_ = true;
    return Outcome::corrupt;
  }

  size_t span_ = 0;
  size_t unpublished_ = 0;
  bool corrupt_ = false;
};

}  // namespace strait::ring
