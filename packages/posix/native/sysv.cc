// System V message queues and shared memory; sysvipc(7). They are known by numbers, not by descriptors: nothing tells
// that one may be read, and nothing removes it when a process ends.

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include <cstring>
#include <memory>

#include "addon.h"
#include "blocker.h"
#include "memory.h"

namespace strait {
namespace {

/// What msgsnd(2) and msgrcv(2) are given: the type, and behind it the text. On the stack up to the longest message that
/// the kernel's defaults allow.
class Letter {
 public:
  explicit Letter(size_t length) {
    if (length > kUsual) large_ = std::make_unique_for_overwrite<long[]>(1 + length / sizeof(long) + 1);
  }
  Letter(const Letter&) = delete;
  long& type() { return *words(); }
  char* text() { return reinterpret_cast<char*>(words() + 1); }

 private:
  static constexpr size_t kUsual = 8192;
  long* words() { return large_ == nullptr ? small_ : large_.get(); }

  long small_[1 + kUsual / sizeof(long)];
  std::unique_ptr<long[]> large_;
};

/// Not at all, or blocking the thread for so many ms.
template <typename Call>
int64_t within(int32_t ms, const Call& call) {
  if (ms > 0) return blockFor(ms, [&] { return outcome(call(0)); });
  int64_t result;
  do result = outcome(call(IPC_NOWAIT));
  while (result == -EINTR);
  return result;
}

/// (key, flags, mode) → id
int64_t getQueue(Arguments& arguments) {
  const auto key = static_cast<key_t>(arguments.integer(0));
  const int flags = arguments.integer(1);
  const int mode = arguments.integer(2);
  return arguments.valid() ? outcome(msgget(key, flags | mode)) : -EINVAL;
}

int64_t removeQueue(Arguments& arguments) {
  const int id = arguments.integer(0);
  return arguments.valid() ? outcome(msgctl(id, IPC_RMID, nullptr)) : -EINVAL;
}

void describe(int32_t* target, const ipc_perm& permissions) {
  target[0] = static_cast<int32_t>(permissions.__key);
  target[1] = static_cast<int32_t>(permissions.mode);
  target[2] = static_cast<int32_t>(permissions.uid);
  target[3] = static_cast<int32_t>(permissions.cuid);
}

/// (id, numbers: key, mode, owner, maker; messages, bytes, bytes at most, last sender, last receiver)
int64_t queueState(Arguments& arguments) {
  const int id = arguments.integer(0);
  const Ints numbers = arguments.ints(1);
  if (!arguments.valid() || numbers.length < 9) return -EINVAL;
  msqid_ds state;
  if (msgctl(id, IPC_STAT, &state) < 0) return -errno;
  describe(numbers.data, state.msg_perm);
  numbers.data[4] = static_cast<int32_t>(state.msg_qnum);
  numbers.data[5] = static_cast<int32_t>(state.__msg_cbytes);
  numbers.data[6] = static_cast<int32_t>(state.msg_qbytes);
  numbers.data[7] = state.msg_lspid;
  numbers.data[8] = state.msg_lrpid;
  return 0;
}

/// (id, bytes at most)
int64_t resizeQueue(Arguments& arguments) {
  const int id = arguments.integer(0);
  const int bytes = arguments.integer(1);
  if (!arguments.valid()) return -EINVAL;
  msqid_ds state;
  if (msgctl(id, IPC_STAT, &state) < 0) return -errno;
  state.msg_qbytes = static_cast<msglen_t>(bytes);
  return outcome(msgctl(id, IPC_SET, &state));
}

/// (id, message, type, ms) → 0; -EAGAIN: there is no room, or within so many ms -EINTR.
int64_t sendToQueue(Arguments& arguments) {
  const int id = arguments.integer(0);
  const Bytes message = arguments.bytes(1);
  const double type = arguments.number(2);
  const int ms = arguments.integer(3);
  if (!arguments.valid()) return -EINVAL;
  Letter letter(message.length);
  letter.type() = static_cast<long>(type);
  if (message.length > 0) std::memcpy(letter.text(), message.data, message.length);
  return within(ms, [&](int flags) { return msgsnd(id, &letter.type(), message.length, flags); });
}

/// (id, type, ms, target, offset, length, the message's type as a double | undefined) → bytes of the message; -EAGAIN
/// (for ENOMSG), or -EINTR, as above; -E2BIG: it is longer, and still there.
int64_t receiveFromQueue(Arguments& arguments) {
  const int id = arguments.integer(0);
  const double type = arguments.number(1);
  const int ms = arguments.integer(2);
  const Bytes target = arguments.part(3);
  const Bytes got = arguments.bytes(6);
  if (!arguments.valid() || (got.given && got.length != sizeof(double))) return -EINVAL;
  Letter letter(target.length);
  const int64_t count = within(ms, [&](int flags) {
    return msgrcv(id, &letter.type(), target.length, static_cast<long>(type), flags);
  });
  if (count == -ENOMSG) return -EAGAIN;
  if (count > 0) std::memcpy(target.data, letter.text(), static_cast<size_t>(count));
  if (count >= 0 && got.given) {
    const auto its = static_cast<double>(letter.type());
    std::memcpy(got.data, &its, sizeof its);
  }
  return count;
}

/// The bytes of a packet: its kind in one byte, prefix and body.
struct Packet {
  explicit Packet(Arguments& arguments, size_t at)
      : kind(arguments.integer(at)), body(arguments.bytes(at + 1)), prefix(arguments.bytes(at + 2)) {}
  size_t length() const { return 1 + prefix.length + body.length; }
  void copyTo(char* target) const {
    target[0] = static_cast<char>(kind);
    if (prefix.length > 0) std::memcpy(target + 1, prefix.data, prefix.length);
    if (body.length > 0) std::memcpy(target + 1 + prefix.length, body.data, body.length);
  }

  int kind;
  Bytes body;
  Bytes prefix;
};

/// (id, kind, body, prefix | undefined) Sends a packet as a message of type 1.
int64_t sendPacketToQueue(Arguments& arguments) {
  const int id = arguments.integer(0);
  const Packet packet(arguments, 1);
  if (!arguments.valid()) return -EINVAL;
  Letter letter(packet.length());
  letter.type() = 1;
  packet.copyTo(letter.text());
  return within(0, [&](int flags) { return msgsnd(id, &letter.type(), packet.length(), flags); });
}

/// Sends in the blocker's thread; `fill` writes the text.
template <typename Fill>
int64_t startSending(Blocker* blocker, int id, long type, size_t length, const Fill& fill) {
  const auto letter = std::make_shared<Letter>(length);
  letter->type() = type;
  fill(letter->text());
  return blocker->start([=] { return outcome(msgsnd(id, &letter->type(), length, 0)); });
}

/// (blocker, id, message, type) Lets the blocker send a copy of it, when there is room.
int64_t startSendingMessage(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  const int id = arguments.integer(1);
  const Bytes message = arguments.bytes(2);
  const double type = arguments.number(3);
  if (blocker == nullptr || !arguments.valid()) return -EINVAL;
  return startSending(blocker, id, static_cast<long>(type), message.length, [&](char* text) {
    if (message.length > 0) std::memcpy(text, message.data, message.length);
  });
}

/// (blocker, id, kind, body, prefix | undefined) The same with a packet.
int64_t startSendingPacket(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  const int id = arguments.integer(1);
  const Packet packet(arguments, 2);
  if (blocker == nullptr || !arguments.valid()) return -EINVAL;
  return startSending(blocker, id, 1, packet.length(), [&](char* text) { packet.copyTo(text); });
}

/// (blocker, id, type) Lets the blocker wait for a message of that type. It comes back with -E2BIG, and the message is
/// still there; an empty one it has taken, and comes back with its type.
int64_t startWaitingForMessage(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  const int id = arguments.integer(1);
  const double type = arguments.number(2);
  if (blocker == nullptr || !arguments.valid()) return -EINVAL;
  return blocker->start([=]() -> int64_t {
    Letter letter(0);
    const ssize_t count = msgrcv(id, &letter.type(), 0, static_cast<long>(type), 0);
    return count < 0 ? -errno : letter.type();
  });
}

/// (key, size, flags, mode) → id
int64_t getSegment(Arguments& arguments) {
  const auto key = static_cast<key_t>(arguments.integer(0));
  const double size = arguments.number(1);
  const int flags = arguments.integer(2);
  const int mode = arguments.integer(3);
  return arguments.valid() ? outcome(shmget(key, static_cast<size_t>(size), flags | mode)) : -EINVAL;
}

int64_t removeSegment(Arguments& arguments) {
  const int id = arguments.integer(0);
  return arguments.valid() ? outcome(shmctl(id, IPC_RMID, nullptr)) : -EINVAL;
}

/// (id, numbers: key, mode, owner, maker; how many have it attached) → its size
int64_t segmentState(Arguments& arguments) {
  const int id = arguments.integer(0);
  const Ints numbers = arguments.ints(1);
  if (!arguments.valid() || numbers.length < 5) return -EINVAL;
  shmid_ds state;
  if (shmctl(id, IPC_STAT, &state) < 0) return -errno;
  describe(numbers.data, state.shm_perm);
  numbers.data[4] = static_cast<int32_t>(state.shm_nattch);
  return static_cast<int64_t>(state.shm_segsz);
}

/// (id, size, readonly) → a region, or -errno. What is attached for reading only must not be made a buffer of.
napi_value attachSegment(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int id = arguments.integer(0);
  const double size = arguments.number(1);
  const bool readonly = arguments.truth(2);
  if (!arguments.valid() || !(size >= 1)) return integer(env, -EINVAL);
  void* address = shmat(id, nullptr, readonly ? SHM_RDONLY : 0);
  if (address == reinterpret_cast<void*>(-1)) return integer(env, -errno);
  return makeRegion(env, address, static_cast<size_t>(size), !readonly, [](void* memory, size_t) { shmdt(memory); });
}

}  // namespace

void defineSystemV(napi_env env, napi_value exports) {
  define<getQueue>(env, exports, "msgGet");
  define<removeQueue>(env, exports, "msgRemove");
  define<queueState>(env, exports, "msgState");
  define<resizeQueue>(env, exports, "msgResize");
  define<sendToQueue>(env, exports, "msgSend");
  define<receiveFromQueue>(env, exports, "msgReceive");
  define<sendPacketToQueue>(env, exports, "msgSendPacket");
  define<startSendingMessage>(env, exports, "msgStartSending");
  define<startSendingPacket>(env, exports, "msgStartSendingPacket");
  define<startWaitingForMessage>(env, exports, "msgStartWaiting");
  define<getSegment>(env, exports, "shmGet");
  define<removeSegment>(env, exports, "shmRemove");
  define<segmentState>(env, exports, "shmState");
  define(env, exports, "shmAttach", attachSegment);
  define(env, exports, "IPC_CREAT", IPC_CREAT);
  define(env, exports, "IPC_EXCL", IPC_EXCL);
}

}  // namespace strait
