// Two bounded buffers of packets, one for each direction; the textbook's producers and consumers. A slot is handed over
// by a permit and by nothing else: each side counts its slots for itself.
//
// A direction is, at multiples of 64,
//
//  0             64           128                         65,792
//  +-------------+------------+---------------------------+
//  | spaces      | items      | 16 slots                  |
//  +-------------+------------+---------------------------+
//    16 at first   0 at first
//
// and a slot, where 0 is an empty one,
//
//  0                  4           8                4,104
//  +------------------+-----------+----------------+
//  | length + 1, u32  | kind, u32 | payload        |
//  +------------------+-----------+----------------+

#include <cstring>

#include "addon.h"
#include "blocker.h"
#include "memory.h"
#include "permits.h"

namespace strait {
namespace {

constexpr uint32_t kSlots = 16;
constexpr uint32_t kLongest = 4096;
constexpr uint32_t kMostKinds = 256;

struct Slot {
  /// The other side can write it at any time: it is read once.
  std::atomic<uint32_t> filled;
  std::atomic<uint32_t> kind;
  uint8_t payload[kLongest];
};

struct Direction {
  alignas(64) Permits spaces;
  alignas(64) Permits items;
  alignas(64) Slot slots[kSlots];
};

static_assert(offsetof(Direction, items) == 64 && offsetof(Direction, slots) == 128);
static_assert(sizeof(Slot) == 8 + kLongest && sizeof(Direction) == 65'792);

/// The direction in two arguments, a region and its number; nullptr: there is none.
Direction* directionOf(Arguments& arguments, size_t index) {
  const Bytes memory = memoryOf(arguments.env(), arguments.value(index));
  const int number = arguments.integer(index + 1);
  if (!arguments.valid() || memory.length < 2 * sizeof(Direction) || number < 0 || number > 1) return nullptr;
  return reinterpret_cast<Direction*>(memory.data) + number;
}

Permits& permitsOf(Direction* direction, bool items) { return items ? direction->items : direction->spaces; }

/// (region, direction) Makes it empty, of memory that is all zeros.
int64_t init(Arguments& arguments) {
  Direction* direction = directionOf(arguments, 0);
  if (direction == nullptr) return -EINVAL;
  direction->spaces.init(kSlots);
  direction->items.init(0);
  return 0;
}

/// (region, direction, how many have been put, kind, body, prefix | undefined) -EAGAIN: there is no space; -EBADMSG: the
/// other side has given what it cannot have.
int64_t put(Arguments& arguments) {
  Direction* direction = directionOf(arguments, 0);
  const auto count = static_cast<uint32_t>(arguments.integer(2));
  const auto kind = static_cast<uint32_t>(arguments.integer(3));
  const Bytes body = arguments.bytes(4);
  const Bytes prefix = arguments.bytes(5);
  if (direction == nullptr || !arguments.valid()) return -EINVAL;
  const size_t length = prefix.length + body.length;
  if (length > kLongest) return -EMSGSIZE;
  if (!direction->spaces.tryTake()) return -EAGAIN;
  Slot& slot = direction->slots[count % kSlots];
  if (slot.filled.load(std::memory_order_relaxed) != 0) return -EBADMSG;
  if (prefix.length > 0) std::memcpy(slot.payload, prefix.data, prefix.length);
  if (body.length > 0) std::memcpy(slot.payload + prefix.length, body.data, body.length);
  slot.kind.store(kind, std::memory_order_relaxed);
  slot.filled.store(static_cast<uint32_t>(length) + 1, std::memory_order_relaxed);
  return direction->items.give(kSlots) ? 0 : -EBADMSG;
}

/// (region, direction, how many have been taken, target, offset, length) → bytes of the packet, its kind in front;
/// -EAGAIN: there is none; -EBADMSG: what cannot be.
int64_t take(Arguments& arguments) {
  Direction* direction = directionOf(arguments, 0);
  const auto count = static_cast<uint32_t>(arguments.integer(2));
  const Bytes target = arguments.part(3);
  if (direction == nullptr || !arguments.valid() || target.length < 1 + kLongest) return -EINVAL;
  if (!direction->items.tryTake()) return -EAGAIN;
  Slot& slot = direction->slots[count % kSlots];
  const uint32_t filled = slot.filled.load(std::memory_order_relaxed);
  const uint32_t kind = slot.kind.load(std::memory_order_relaxed);
  if (filled == 0 || filled > kLongest + 1 || kind >= kMostKinds) return -EBADMSG;
  target.data[0] = static_cast<uint8_t>(kind);
  std::memcpy(target.data + 1, slot.payload, filled - 1);
  slot.filled.store(0, std::memory_order_relaxed);
  return direction->spaces.give(kSlots) ? int64_t{filled} : -EBADMSG;
}

/// (region, direction, items, ms) Waits for an item, or else for a space, and takes nothing. 0: it is worth a try;
/// -EAGAIN: not within so many ms; -EINTR.
int64_t wait(Arguments& arguments) {
  Direction* direction = directionOf(arguments, 0);
  const bool items = arguments.truth(2);
  const int ms = arguments.integer(3);
  if (direction == nullptr || !arguments.valid() || ms < 0) return -EINVAL;
  const timespec limit = {ms / 1000, ms % 1000 * 1'000'000L};
  return permitsOf(direction, items).wait(&limit);
}

/// (blocker, region, direction, items) Lets the blocker wait. The region must stay mapped until that has come back.
int64_t startWaiting(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  Direction* direction = directionOf(arguments, 1);
  const bool items = arguments.truth(3);
  if (blocker == nullptr || direction == nullptr || !arguments.valid()) return -EINVAL;
  return blocker->start([=] { return permitsOf(direction, items).wait(nullptr); });
}

}  // namespace

void defineSlots(napi_env env, napi_value exports) {
  define<init>(env, exports, "slotsInit");
  define<put>(env, exports, "slotsPut");
  define<take>(env, exports, "slotsTake");
  define<wait>(env, exports, "slotsWait");
  define<startWaiting>(env, exports, "slotsStartWaiting");
  define(env, exports, "SLOTS_SIZE", 2 * sizeof(Direction));
  define(env, exports, "SLOT_LENGTH", kLongest);
}

}  // namespace strait
