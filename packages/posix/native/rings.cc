// The two rings of a channel in shared memory, and how their ends wait; ring.h.
//
// What is waited for is hot: the poller looks at it in each turn of the event loop. When nothing has happened for a
// while it is parked: it says so in the shared memory, and the other end rings the bell, a packet on a socket that is
// polled as any other. How long it is worth while to be hot, patience.h knows.

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "addon.h"
#include "memory.h"
#include "patience.h"
#include "poller.h"
#include "ring.h"

namespace strait {
namespace {

using ring::Outcome;

// What `read` returns, in a number that V8 keeps without allocating: kind, whether there is more, length.
constexpr uint32_t kUnknownKind = 15;
constexpr uint32_t kMore = 16;
constexpr int kLengthShift = 5;
constexpr size_t kSmallestRing = 4096;
constexpr size_t kLargestRing = size_t{64} << 20;
static_assert(ring::longestRecord(kLargestRing) < size_t{1} << (31 - kLengthShift));

constexpr int32_t kReadable = 1;
constexpr int32_t kWritable = 2;
constexpr int32_t kBell = 4;

/// Of a thread that only spins: the clock is looked at after so many looks.
constexpr uint32_t kLooksPerClock = 256;

struct Stats {
  uint64_t spins, polls, parks, wakeUps, sentMessages, receivedMessages, sentBytes, receivedBytes;
};

/// One end of a channel. Freed when the last of its functions has been collected.
class Rings final : public Hot {
 public:
  /// `first`: this end writes into the first ring. `bell` is the control socket, TypeScript's.
  Rings(Environment* environment, Bytes memory, size_t capacity, bool first, int bell, Patience patience)
      : environment_(environment),
        memory_(memory.data),
        writer_(memory.data + (first ? 0 : ring::sizeFor(capacity)), capacity),
        reader_(memory.data + (first ? ring::sizeFor(capacity) : 0), capacity),
        bell_(bell),
        patience_(patience) {}

  bool open() const { return memory_ != nullptr; }
  const Stats& stats() const { return stats_; }

  /// Where small messages of JavaScript stand, and whom to tell.
  bool listen(napi_value scratch, Bytes bytes, napi_value callback);
  const Bytes& scratch() const { return scratchBytes_; }
  /// Where received bytes go: JavaScript's, and it keeps count of the places as this does.
  bool setSlab(napi_value slab, Bytes bytes);
  /// The place of the next payload, or nothing: there is no room left.
  uint8_t* place(size_t length) {
    if (length > slab_.length || cursor_ > slab_.length - length) return nullptr;
    uint8_t* place = slab_.data + cursor_;
    cursor_ = (cursor_ + length + 7) & ~size_t{7};
    return place;
  }

  /// The next record, which stays until `taken`; with patience looks again for a while.
  Outcome next(bool patiently, ring::Record* record);
  void taken(size_t length);
  /// The record that JavaScript reads in place.
  void lent(const ring::Record& record) { lent_ = record; }
  const ring::Record& lent() const { return lent_; }
  /// Whether there is another record; where not, JavaScript is told of the next one.
  bool more();

  Outcome write(uint32_t kind, ring::Piece first, ring::Piece second = {nullptr, 0}, bool patiently = false);
  uint8_t* claim(size_t length);
  void commit(uint32_t kind, size_t length);
  bool corrupt() const { return writer_.corrupt(); }
  size_t offsetOf(const uint8_t* payload) const { return static_cast<size_t>(payload - memory_); }

  /// Blocks until something has happened, or the bell rings, or for `ms`.
  int32_t wait(bool reading, bool writing, int ms);
  /// The bell has rung. What has happened.
  int32_t wake();
  void close();

  int32_t look(uint64_t now) override;
  void tell(int32_t happened) override;

  /// Of the functions that carry it.
  void hold() { holders_++; }
  void release() {
    if (--holders_ == 0) delete this;
  }

 private:
  /// Acts, with patience again for a while.
  template <typename Act>
  Outcome attempt(bool patiently, Act act) {
    Outcome outcome = act();
    if (outcome != Outcome::notNow || !patiently) return outcome;
    const uint32_t most = patience_.looks();
    uint32_t looks = 0;
    for (; looks < most && outcome == Outcome::notNow; looks++) {
      patience_.breathe();
      outcome = act();
    }
    if (looks > 0) patience_.looked(outcome != Outcome::notNow);
    stats_.spins += looks;
    return outcome;
  }

  void ring();
  int32_t happened();
  void wantRecord();
  void wantRoom(size_t length);
  void sent(size_t length);
  void poll();
  int32_t park(uint64_t now);
  int32_t goOn();
  void willSleep();
  void wokeUp();

  Environment* environment_;
  /// Null: closed.
  uint8_t* memory_;
  ring::Writer writer_;
  ring::Reader reader_;
  int bell_;
  Patience patience_;
  napi_ref callback_ = nullptr;
  napi_ref scratch_ = nullptr;
  Bytes scratchBytes_;
  napi_ref slabReference_ = nullptr;
  Bytes slab_;
  size_t cursor_ = 0;
  ring::Record lent_{};
  int holders_ = 0;
  Stats stats_{};

  // What JavaScript waits for.
  bool wantsRecord_ = false;
  bool wantsRoom_ = false;
  size_t room_ = 0;
  bool parked_ = false;
};

bool Rings::listen(napi_value scratch, Bytes bytes, napi_value callback) {
  napi_env env = environment_->env();
  scratchBytes_ = bytes;
  return napi_create_reference(env, scratch, 1, &scratch_) == napi_ok &&
         napi_create_reference(env, callback, 1, &callback_) == napi_ok;
}

bool Rings::setSlab(napi_value slab, Bytes bytes) {
  napi_env env = environment_->env();
  if (slabReference_ != nullptr) napi_delete_reference(env, slabReference_);
  slabReference_ = nullptr;
  slab_ = bytes;
  cursor_ = 0;
  return napi_create_reference(env, slab, 1, &slabReference_) == napi_ok;
}

void Rings::close() {
  if (!open()) return;
  memory_ = nullptr;
  environment_->poller().remove(this);
  if (slabReference_ != nullptr) napi_delete_reference(environment_->env(), slabReference_);
  napi_delete_reference(environment_->env(), scratch_);
  napi_delete_reference(environment_->env(), callback_);
}

// Reading and writing

Outcome Rings::next(bool patiently, ring::Record* record) {
  const Outcome outcome = attempt(patiently, [&] { return reader_.read(record); });
  if (outcome == Outcome::done) {
    wantsRecord_ = false;
  } else if (outcome == Outcome::notNow) {
    // The writer may be waiting for room that is free.
    if (reader_.publish()) ring();
    wantRecord();
  }
  return outcome;
}

void Rings::taken(size_t length) {
  if (reader_.release()) ring();
  stats_.receivedMessages++;
  stats_.receivedBytes += length;
}

bool Rings::more() {
  if (reader_.ready()) return true;
  wantRecord();
  return false;
}

Outcome Rings::write(uint32_t kind, ring::Piece first, ring::Piece second, bool patiently) {
  const size_t length = first.length + second.length;
  const Outcome outcome = attempt(patiently, [&] { return writer_.write(kind, first, second); });
  if (outcome == Outcome::done) sent(length);
  if (outcome == Outcome::notNow) wantRoom(length);
  return outcome;
}

uint8_t* Rings::claim(size_t length) {
  uint8_t* payload = nullptr;
  const Outcome outcome = attempt(true, [&] {
    payload = writer_.claim(length);
    return payload != nullptr ? Outcome::done : writer_.corrupt() ? Outcome::corrupt : Outcome::notNow;
  });
  if (outcome == Outcome::notNow) wantRoom(length);
  return payload;
}

void Rings::commit(uint32_t kind, size_t length) {
  writer_.commit(kind, length);
  sent(length);
}

void Rings::sent(size_t length) {
  if (writer_.readerSleeps()) ring();
  stats_.sentMessages++;
  stats_.sentBytes += length;
}

/// Wakes the other end. Where the socket is full of bells it is awake; where it is broken, its end is told.
void Rings::ring() {
  const char bell = 0;
  (void)!send(bell_, &bell, sizeof bell, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Waiting

void Rings::wantRecord() {
  if (wantsRecord_ && parked_) return;
  wantsRecord_ = true;
  poll();
}

void Rings::wantRoom(size_t length) {
  room_ = length;
  if (wantsRoom_ && parked_) return;
  wantsRoom_ = true;
  poll();
}

/// From now on the poller looks, a new wait.
void Rings::poll() {
  parked_ = false;
  patience_.begin();
  environment_->poller().add(this);
}

/// What has happened of what was waited for; it is not waited for any more.
int32_t Rings::happened() {
  int32_t happened = 0;
  if (wantsRecord_ && reader_.ready()) {
    wantsRecord_ = false;
    happened |= kReadable;
  }
  if (wantsRoom_ && (writer_.hasRoomFor(room_) || writer_.corrupt())) {
    wantsRoom_ = false;
    happened |= kWritable;
  }
  return happened;
}

void Rings::tell(int32_t happened) {
  if (wantsRecord_ || wantsRoom_) poll();
  callBack(environment_, callback_, happened);
}

int32_t Rings::look(uint64_t now) {
  patience_.turn(now);
  const int32_t found = happened();
  if (found != 0) {
    patience_.found(now);
    return found;
  }
  if (!patience_.goesOn(now, stats_.sentMessages + stats_.receivedMessages)) return park(now);
  // The writer may be waiting for room that is free.
  if (reader_.publish()) ring();
  stats_.polls++;
  return kStay;
}

/// Nothing happens: sleeps, or what happened in the last moment.
int32_t Rings::park(uint64_t now) {
  if (reader_.publish()) ring();
  willSleep();
  const int32_t found = happened();
  if (found != 0) {
    wokeUp();
    return found;
  }
  parked_ = true;
  patience_.parked(now);
  stats_.parks++;
  return kLeave;
}

void Rings::willSleep() {
  if (wantsRecord_) reader_.willSleep();
  if (wantsRoom_) writer_.willSleep();
}

void Rings::wokeUp() {
  reader_.wokeUp();
  writer_.wokeUp();
}

int32_t Rings::wake() {
  if (parked_) {
    stats_.wakeUps++;
    patience_.woken();
  }
  return goOn();
}

/// Awake again: what has happened. For what is still waited for, a new wait begins.
int32_t Rings::goOn() {
  parked_ = false;
  wokeUp();
  const int32_t found = happened();
  if (wantsRecord_ || wantsRoom_) poll();
  return found;
}

int32_t Rings::wait(bool reading, bool writing, int ms) {
  if (writing && !wantsRoom_) return kWritable;
  wantsRecord_ |= reading;
  const uint64_t begin = uv_hrtime();
  const uint32_t most = patience_.blockingLooks();
  const bool spins = most == UINT32_MAX;
  if (reader_.publish()) ring();
  int32_t found = happened();
  uint32_t looks = 0;
  for (; found == 0 && looks < most; looks++) {
    patience_.breathe();
    found = happened();
    if (found != 0 || !spins || looks % kLooksPerClock != 0) continue;
    const uint64_t waited = uv_hrtime() - begin;
    if (waited > static_cast<uint64_t>(ms) * 1'000'000) break;
    patience_.giveWay(waited);
  }
  stats_.spins += looks;
  if (looks > 0) patience_.blocked(found != 0);
  if (found != 0) return found;
  if (spins) {
    ms = 0;
  } else {
    willSleep();
    found = happened();
    if (found == 0) stats_.parks++;
    else ms = 0;
  }
  pollfd bell = {bell_, POLLIN, 0};
  if (::poll(&bell, 1, ms) > 0) {
    found |= kBell;
    stats_.wakeUps++;
  }
  // Others may wait in the event loop for what this thread has not waited for.
  return found | goOn();
}

// The functions of JavaScript. Each carries its rings.

using Method = napi_value (*)(Rings&, Arguments&);

template <Method method>
napi_value invoke(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  Arguments arguments(env, info, &data);
  auto* rings = static_cast<Rings*>(data);
  if (!rings->open()) return integer(env, -EBADF);
  return method(*rings, arguments);
}

/// The two that are called for every message get no `Arguments`, whose nine values take longer than the message.
Rings* ringsOf(napi_env env, napi_callback_info info, size_t count, napi_value* values) {
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  return static_cast<Rings*>(data);
}

napi_value small(napi_env env, int32_t value) {
  napi_value result = nullptr;
  napi_create_int32(env, value, &result);
  return result;
}

/// Of a record that was found, or why there is none.
int32_t describe(const ring::Record& record, bool more) {
  return static_cast<int32_t>(std::min(record.kind, kUnknownKind) | (more ? kMore : 0) |
                              static_cast<uint32_t>(record.length) << kLengthShift);
}

int32_t refusal(Outcome outcome) { return outcome == Outcome::corrupt ? -EBADMSG : -EAGAIN; }

/// () → kind | more << 4 | length << 5, with the payload in the slab behind the one before, from a multiple of 8 on.
/// Where the slab has too little room, -EMSGSIZE, and the record stays. Where there is none, or no more, `onEvents` will
/// be called. Whoever calls it has made sure that the slab was not detached.
template <bool patiently>
napi_value read(napi_env env, napi_callback_info info) {
  Rings* rings = ringsOf(env, info, 0, nullptr);
  if (!rings->open()) return small(env, -EBADF);
  ring::Record record;
  const Outcome outcome = rings->next(patiently, &record);
  if (outcome != Outcome::done) return small(env, refusal(outcome));
  uint8_t* place = rings->place(record.length);
  if (place == nullptr) return small(env, -EMSGSIZE);
  std::memcpy(place, record.payload, record.length);
  rings->taken(record.length);
  return small(env, describe(record, rings->more()));
}

/// (kind, target, offset) → the length of the next record, if it is of this kind, and its payload is not empty and fits
/// into the target from there on: it is copied there. 0: there is none, or another one. Looks patiently.
napi_value readInto(Rings& rings, Arguments& arguments) {
  const auto kind = static_cast<uint32_t>(arguments.integer(0));
  const Bytes target = arguments.bytes(1);
  const double offset = arguments.number(2);
  if (!arguments.valid() || !(offset >= 0 && offset <= static_cast<double>(target.length))) {
    return small(arguments.env(), -EINVAL);
  }
  const auto from = static_cast<size_t>(offset);
  ring::Record record;
  const bool there = rings.next(true, &record) == Outcome::done && record.kind == kind;
  if (!there || record.length > target.length - from) return small(arguments.env(), 0);
  if (record.length > 0) {
    std::memcpy(target.data + from, record.payload, record.length);
    rings.taken(record.length);
    rings.more();
  }
  return small(arguments.env(), static_cast<int32_t>(record.length));
}

/// (bytes) What is received from now on goes there, from the beginning.
napi_value setSlab(Rings& rings, Arguments& arguments) {
  const Bytes slab = arguments.bytes(0);
  if (!arguments.valid() || !rings.setSlab(arguments.value(0), slab)) return small(arguments.env(), -EINVAL);
  return small(arguments.env(), 0);
}

/// (patiently) → as `read`, but the record stays where it is, and is the next one until `giveBack`.
napi_value borrow(Rings& rings, Arguments& arguments) {
  ring::Record record;
  const Outcome outcome = rings.next(arguments.truth(0), &record);
  if (outcome != Outcome::done) return small(arguments.env(), refusal(outcome));
  rings.lent(record);
  return small(arguments.env(), describe(record, true));
}

/// () → where the payload of the record that was borrowed last begins in the memory.
napi_value lentAt(Rings& rings, Arguments& arguments) {
  return small(arguments.env(), static_cast<int32_t>(rings.offsetOf(rings.lent().payload)));
}

/// () The record that was borrowed is not needed any more.
napi_value giveBack(Rings& rings, Arguments& arguments) {
  rings.taken(rings.lent().length);
  return small(arguments.env(), 0);
}

int32_t verdict(Outcome outcome) { return outcome == Outcome::done ? 1 : outcome == Outcome::notNow ? 0 : -EBADMSG; }

/// (kind, body, prefix | undefined, patiently) → 1; 0: no room, `onEvents` will be called; -EBADMSG.
napi_value write(Rings& rings, Arguments& arguments) {
  const auto kind = static_cast<uint32_t>(arguments.integer(0));
  const Bytes body = arguments.bytes(1);
  const Bytes prefix = arguments.bytes(2);
  const bool patiently = arguments.truth(3);
  if (!arguments.valid()) return small(arguments.env(), -EINVAL);
  const ring::Piece pieces[] = {{prefix.data, prefix.length}, {body.data, body.length}};
  return small(arguments.env(), verdict(rings.write(kind, pieces[0], pieces[1], patiently)));
}

/// (kind | length << 4) → as `write`, of the first bytes of the scratch.
napi_value writeScratch(napi_env env, napi_callback_info info) {
  napi_value value;
  Rings* rings = ringsOf(env, info, 1, &value);
  if (!rings->open()) return small(env, -EBADF);
  uint32_t packed = 0;
  napi_get_value_uint32(env, value, &packed);
  const size_t length = packed >> 4;
  if (length > rings->scratch().length) return small(env, -EINVAL);
  return small(env, verdict(rings->write(packed & 15, {rings->scratch().data, length})));
}

/// (length) → where in the memory the payload of a record may be written until `commit`; -EAGAIN; -EBADMSG.
napi_value claim(Rings& rings, Arguments& arguments) {
  const auto length = static_cast<size_t>(arguments.integer(0));
  if (!arguments.valid()) return small(arguments.env(), -EINVAL);
  const uint8_t* payload = rings.claim(length);
  if (payload == nullptr) return small(arguments.env(), rings.corrupt() ? -EBADMSG : -EAGAIN);
  return small(arguments.env(), static_cast<int32_t>(rings.offsetOf(payload)));
}

/// (kind, length)
napi_value commit(Rings& rings, Arguments& arguments) {
  const auto kind = static_cast<uint32_t>(arguments.integer(0));
  const auto length = static_cast<size_t>(arguments.integer(1));
  if (!arguments.valid()) return small(arguments.env(), -EINVAL);
  rings.commit(kind, length);
  return small(arguments.env(), 0);
}

/// (reading, writing, ms) → what has happened; blocks the thread.
napi_value wait(Rings& rings, Arguments& arguments) {
  const bool reading = arguments.truth(0);
  const bool writing = arguments.truth(1);
  const int ms = arguments.integer(2);
  if (!arguments.valid()) return small(arguments.env(), -EINVAL);
  return small(arguments.env(), rings.wait(reading, writing, ms));
}

/// () → what has happened, after the bell has rung.
napi_value wake(Rings& rings, Arguments& arguments) { return small(arguments.env(), rings.wake()); }

/// (eight numbers out) In the order of `Stats`.
napi_value stats(Rings& rings, Arguments& arguments) {
  napi_env env = arguments.env();
  const Stats& from = rings.stats();
  const uint64_t numbers[] = {from.spins,        from.polls,            from.parks,     from.wakeUps,
                              from.sentMessages, from.receivedMessages, from.sentBytes, from.receivedBytes};
  for (uint32_t i = 0; i < std::size(numbers); i++) {
    napi_set_element(env, arguments.value(0), i, integer(env, static_cast<int64_t>(numbers[i])));
  }
  return small(env, 0);
}

/// () Touches the memory and the socket no more.
napi_value close(Rings& rings, Arguments& arguments) {
  rings.close();
  return small(arguments.env(), 0);
}

bool isCapacity(double value) {
  const auto size = static_cast<size_t>(std::clamp(value, 0.0, static_cast<double>(kLargestRing) + 1));
  return size >= kSmallestRing && size <= kLargestRing && (size & (size - 1)) == 0 && static_cast<double>(size) == value;
}

constexpr struct {
  const char* name;
  napi_callback callback;
} kMethods[] = {
    {"read", read<false>}, {"readPatiently", read<true>}, {"setSlab", invoke<setSlab>},
    {"readInto", invoke<readInto>},     {"borrow", invoke<borrow>}, {"lentAt", invoke<lentAt>},
    {"giveBack", invoke<giveBack>}, {"write", invoke<write>},   {"writeScratch", writeScratch},
    {"claim", invoke<claim>},   {"commit", invoke<commit>}, {"wait", invoke<wait>},
    {"wake", invoke<wake>},     {"stats", invoke<stats>},   {"close", invoke<close>},
};

/// (capacity) → the bytes that two rings take.
int64_t ringsSize(Arguments& arguments) {
  const double capacity = arguments.number(0);
  return isCapacity(capacity) ? static_cast<int64_t>(2 * ring::sizeFor(static_cast<size_t>(capacity))) : -EINVAL;
}

/// (region, capacity, first, bell, strategy, peer, scarce, scratch, onEvents) → the functions of one end. `first`: it writes
/// into the first ring. `bell` is a socket whose other end polls for one byte; it must stay open until `close`.
napi_value ringsOpen(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Bytes memory = memoryOf(env, arguments.value(0));
  const double capacity = arguments.number(1);
  const bool first = arguments.truth(2);
  const int bell = arguments.integer(3);
  const int strategy = arguments.integer(4);
  const int peer = arguments.integer(5);
  const bool scarce = arguments.truth(6);
  const Bytes scratch = arguments.bytes(7);
  if (!arguments.valid() || strategy < 0 || strategy > 2 || !isCapacity(capacity)) return integer(env, -EINVAL);
  const auto size = static_cast<size_t>(capacity);
  if (memory.length < 2 * ring::sizeFor(size)) return integer(env, -EINVAL);
  auto* rings =
      new Rings(Environment::of(env), memory, size, first, bell, {static_cast<Wait>(strategy), peer, scarce});
  napi_value object = nullptr;
  bool ok = napi_create_object(env, &object) == napi_ok && rings->listen(arguments.value(7), scratch, arguments.value(8));
  rings->hold();
  for (const auto& method : kMethods) {
    napi_value function = nullptr;
    ok = ok && napi_create_function(env, method.name, NAPI_AUTO_LENGTH, method.callback, rings, &function) == napi_ok &&
         napi_add_finalizer(
             env, function, rings, [](napi_env, void* data, void*) { static_cast<Rings*>(data)->release(); }, nullptr,
             nullptr) == napi_ok;
    // Where it is not, the environment is ending.
    if (!ok) break;
    rings->hold();
    napi_set_named_property(env, object, method.name, function);
  }
  rings->release();
  return ok ? object : nullptr;
}

}  // namespace

void defineRings(napi_env env, napi_value exports) {
  define<ringsSize>(env, exports, "ringsSize");
  define(env, exports, "ringsOpen", ringsOpen);
}

}  // namespace strait
