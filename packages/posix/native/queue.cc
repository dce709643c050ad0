// POSIX message queues; mq_overview(7). On Linux a queue's descriptor is a file descriptor, and can be polled.

#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>

#include <climits>
#include <cstring>

#include "addon.h"

namespace strait {
namespace {

/// Packets longer than this are not ours; the kernel's default is 8192.
constexpr size_t kLongestPacket = 8192;

/// (name, flags, mode, messages, bytes of each) → descriptor. The last two count only where it is created; 0: the
/// system's defaults.
int64_t openQueue(Arguments& arguments) {
  char name[NAME_MAX + 2];
  const int flags = arguments.integer(1);
  const auto mode = static_cast<mode_t>(arguments.integer(2));
  mq_attr attributes = {};
  attributes.mq_maxmsg = arguments.integer(3);
  attributes.mq_msgsize = arguments.integer(4);
  if (!arguments.text(0, name, sizeof name)) return arguments.valid() ? -ENAMETOOLONG : -EINVAL;
  const bool given = attributes.mq_maxmsg != 0 || attributes.mq_msgsize != 0;
  const mqd_t queue = mq_open(name, flags | O_CLOEXEC, mode, given ? &attributes : nullptr);
  return Environment::of(arguments.env())->own(static_cast<int>(outcome(queue)));
}

/// (name)
int64_t unlinkQueue(Arguments& arguments) {
  char name[NAME_MAX + 2];
  if (!arguments.text(0, name, sizeof name)) return arguments.valid() ? -ENAMETOOLONG : -EINVAL;
  return outcome(mq_unlink(name));
}

/// (descriptor, attributes: messages at most, bytes of each, messages now)
int64_t queueAttributes(Arguments& arguments) {
  const int queue = arguments.integer(0);
  const Ints attributes = arguments.ints(1);
  if (!arguments.valid() || attributes.length < 3) return -EINVAL;
  mq_attr got;
  if (mq_getattr(queue, &got) < 0) return -errno;
  attributes.data[0] = static_cast<int32_t>(got.mq_maxmsg);
  attributes.data[1] = static_cast<int32_t>(got.mq_msgsize);
  attributes.data[2] = static_cast<int32_t>(got.mq_curmsgs);
  return 0;
}

/// (descriptor, message, priority)
int64_t sendToQueue(Arguments& arguments) {
  const int queue = arguments.integer(0);
  const Bytes message = arguments.bytes(1);
  const auto priority = static_cast<unsigned>(arguments.number(2));
  if (!arguments.valid()) return -EINVAL;
  // No bytes lie nowhere, which mq_send(3) must not be given.
  const char* text = message.length == 0 ? "" : reinterpret_cast<const char*>(message.data);
  int result;
  do result = mq_send(queue, text, message.length, priority);
  while (result < 0 && errno == EINTR);
  return outcome(result);
}

/// (descriptor, target, offset, length, priority | undefined) → bytes of the message.
int64_t receiveFromQueue(Arguments& arguments) {
  const int queue = arguments.integer(0);
  const Bytes target = arguments.part(1);
  const Ints priority = arguments.ints(4);
  if (!arguments.valid()) return -EINVAL;
  unsigned got = 0;
  ssize_t count;
  do count = mq_receive(queue, reinterpret_cast<char*>(target.data), target.length, &got);
  while (count < 0 && errno == EINTR);
  if (count >= 0 && priority.length > 0) priority.data[0] = static_cast<int32_t>(got);
  return outcome(count);
}

/// (descriptor, kind, body, prefix | undefined) Sends a packet: its kind in one byte, prefix and body.
int64_t sendPacketToQueue(Arguments& arguments) {
  const int queue = arguments.integer(0);
  const int kind = arguments.integer(1);
  const Bytes body = arguments.bytes(2);
  const Bytes prefix = arguments.count() > 3 ? arguments.bytes(3) : Bytes{};
  const size_t length = 1 + prefix.length + body.length;
  if (!arguments.valid()) return -EINVAL;
  if (length > kLongestPacket) return -EMSGSIZE;
  char packet[kLongestPacket];
  packet[0] = static_cast<char>(kind);
  if (prefix.length > 0) std::memcpy(packet + 1, prefix.data, prefix.length);
  if (body.length > 0) std::memcpy(packet + 1 + prefix.length, body.data, body.length);
  int result;
  do result = mq_send(queue, packet, length, 0);
  while (result < 0 && errno == EINTR);
  return outcome(result);
}

}  // namespace

void defineQueues(napi_env env, napi_value exports) {
  define<openQueue>(env, exports, "mqOpen");
  define<unlinkQueue>(env, exports, "mqUnlink");
  define<queueAttributes>(env, exports, "mqAttributes");
  define<sendToQueue>(env, exports, "mqSend");
  define<receiveFromQueue>(env, exports, "mqReceive");
  define<sendPacketToQueue>(env, exports, "mqSendPacket");
}

}  // namespace strait
