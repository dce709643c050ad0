// Unix sockets: unix(7), cmsg(3).

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "addon.h"

namespace strait {
namespace {

/// The kernel passes no more descriptors in one message; SCM_MAX_FD.
constexpr size_t kMostDescriptors = 253;

/// An address is what stands in `sun_path`: a path without a closing zero, or a zero and an abstract name.
struct Address {
  sockaddr_un name;
  socklen_t length;
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&name); }
};

bool addressOf(const Bytes& bytes, Address* address) {
  address->name = {};
  address->name.sun_family = AF_UNIX;
  const bool abstract = bytes.length > 0 && bytes.data[0] == 0;
  // A path needs room for its closing zero; an abstract name has exactly its own length.
  if (bytes.length + (abstract ? 0 : 1) > sizeof address->name.sun_path) return false;
  std::copy_n(bytes.data, bytes.length, address->name.sun_path);
  address->length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + bytes.length + (abstract ? 0 : 1));
  return true;
}

/// Writes an address into `out`; returns its length, 0 for a socket without one.
int64_t addressInto(const sockaddr_un& name, socklen_t length, const Bytes& out) {
  if (length <= offsetof(sockaddr_un, sun_path)) return 0;
  size_t size = length - offsetof(sockaddr_un, sun_path);
  if (name.sun_path[0] != 0) size = strnlen(name.sun_path, size);
  std::copy_n(name.sun_path, std::min(size, out.length), out.data);
  return static_cast<int64_t>(std::min(size, out.length));
}

/// (type) → descriptor, not blocking.
int64_t openSocket(Arguments& arguments) {
  const int type = arguments.integer(0);
  if (!arguments.valid()) return -EINVAL;
  return Environment::of(arguments.env())
      ->own(static_cast<int>(outcome(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))));
}

/// (type, two descriptors out)
int64_t openPair(Arguments& arguments) {
  const int type = arguments.integer(0);
  const Ints out = arguments.ints(1);
  if (!arguments.valid() || out.length < 2) return -EINVAL;
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
  for (int i = 0; i < 2; i++) out.data[i] = Environment::of(arguments.env())->own(ends[i]);
  return 0;
}

/// (descriptor, address)
int64_t bindSocket(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  Address address;
  if (!addressOf(arguments.bytes(1), &address)) return -ENAMETOOLONG;
  if (!arguments.valid()) return -EINVAL;
  return outcome(bind(descriptor, address.pointer(), address.length));
}

/// (descriptor, address) Never waits: -EAGAIN when the listener's backlog is full.
int64_t connectSocket(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  Address address;
  if (!addressOf(arguments.bytes(1), &address)) return -ENAMETOOLONG;
  if (!arguments.valid()) return -EINVAL;
  return outcome(connect(descriptor, address.pointer(), address.length));
}

/// (descriptor, backlog)
int64_t listenSocket(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const int backlog = arguments.integer(1);
  return arguments.valid() ? outcome(listen(descriptor, backlog)) : -EINVAL;
}

/// (descriptor) → descriptor, not blocking.
int64_t acceptSocket(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  if (!arguments.valid()) return -EINVAL;
  return Environment::of(arguments.env())
      ->own(static_cast<int>(outcome(accept4(descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC))));
}

/// (descriptor, address out) → its length.
int64_t socketName(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const Bytes out = arguments.bytes(1);
  if (!arguments.valid()) return -EINVAL;
  sockaddr_un name = {};
  socklen_t length = sizeof name;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &length) < 0) return -errno;
  return addressInto(name, length, out);
}

/// (descriptor, out: pid, uid, gid) Whom the kernel saw connect or listen; SO_PEERCRED.
int64_t peerCredentials(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const Ints out = arguments.ints(1);
  if (!arguments.valid() || out.length < 3) return -EINVAL;
  ucred credentials = {};
  socklen_t length = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
  out.data[0] = credentials.pid;
  out.data[1] = static_cast<int32_t>(credentials.uid);
  out.data[2] = static_cast<int32_t>(credentials.gid);
  return 0;
}

/// (descriptor, how) SHUT_RD 0, SHUT_WR 1, SHUT_RDWR 2.
int64_t shutdownSocket(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const int how = arguments.integer(1);
  return arguments.valid() ? outcome(shutdown(descriptor, how)) : -EINVAL;
}

/// (descriptor, first, second | undefined, descriptors | undefined, address | undefined) → bytes sent, of the two
/// pieces one behind the other. Never waits, never raises SIGPIPE.
int64_t sendMessage(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const Bytes first = arguments.bytes(1);
  const Bytes second = arguments.bytes(2);
  const Ints passed = arguments.ints(3);
  const Bytes to = arguments.bytes(4);
  if (!arguments.valid() || passed.length > kMostDescriptors) return -EINVAL;
  iovec pieces[2] = {{first.data, first.length}, {second.data, second.length}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = second.given ? 2 : 1;
  Address address;
  if (to.given) {
    if (!addressOf(to, &address)) return -ENAMETOOLONG;
    message.msg_name = &address.name;
    message.msg_namelen = address.length;
  }
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))];
  if (passed.length > 0) {
    const size_t size = passed.length * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    std::fill_n(control, message.msg_controllen, char{0});
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), passed.data, size);
  }
  return outcome(sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/// (descriptor, bytes, offset, length, info out, descriptors out | undefined, address out | undefined) → bytes received.
///
/// `info`: message flags (MSG_TRUNC: the rest of the message is lost), how many descriptors came, length of the
/// address. Descriptors that do not fit into `descriptors` are closed; the count tells that there were more.
int64_t receiveMessage(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const Bytes target = arguments.part(1);
  const Ints info = arguments.ints(4);
  const Ints received = arguments.ints(5);
  const Bytes from = arguments.bytes(6);
  if (!arguments.valid() || info.length < 3) return -EINVAL;
  iovec piece = {target.data, target.length};
  sockaddr_un name = {};
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (from.given) {
    message.msg_name = &name;
    message.msg_namelen = sizeof name;
  }
  const ssize_t length = recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0) return -errno;
  size_t count = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < here; i++, count++) {
      int passed;
      std::memcpy(&passed, CMSG_DATA(header) + i * sizeof passed, sizeof passed);
      if (count < received.length) {
        received.data[count] = Environment::of(arguments.env())->own(passed);
      } else {
        close(passed);
      }
    }
  }
  info.data[0] = message.msg_flags;
  info.data[1] = static_cast<int32_t>(count);
  info.data[2] = from.given ? static_cast<int32_t>(addressInto(name, message.msg_namelen, from)) : 0;
  return length;
}

/// (descriptor, name) → an integer option of SOL_SOCKET.
int64_t socketOption(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const int name = arguments.integer(1);
  if (!arguments.valid()) return -EINVAL;
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(descriptor, SOL_SOCKET, name, &value, &length) < 0) return -errno;
  return value;
}

/// (descriptor, name, value)
int64_t setSocketOption(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const int name = arguments.integer(1);
  const int value = arguments.integer(2);
  if (!arguments.valid()) return -EINVAL;
  return outcome(setsockopt(descriptor, SOL_SOCKET, name, &value, sizeof value));
}

}  // namespace

void defineSockets(napi_env env, napi_value exports) {
  define<openSocket>(env, exports, "socket");
  define<openPair>(env, exports, "socketpair");
  define<bindSocket>(env, exports, "bind");
  define<connectSocket>(env, exports, "connect");
  define<listenSocket>(env, exports, "listen");
  define<acceptSocket>(env, exports, "accept");
  define<socketName>(env, exports, "socketName");
  define<peerCredentials>(env, exports, "peerCredentials");
  define<shutdownSocket>(env, exports, "shutdown");
  define<sendMessage>(env, exports, "send");
  define<receiveMessage>(env, exports, "receive");
  define<socketOption>(env, exports, "socketOption");
  define<setSocketOption>(env, exports, "setSocketOption");
  define(env, exports, "SOCK_STREAM", SOCK_STREAM);
  define(env, exports, "SOCK_DGRAM", SOCK_DGRAM);
  define(env, exports, "SOCK_SEQPACKET", SOCK_SEQPACKET);
  define(env, exports, "SO_TYPE", SO_TYPE);
  define(env, exports, "SO_DOMAIN", SO_DOMAIN);
  define(env, exports, "SO_SNDBUF", SO_SNDBUF);
  define(env, exports, "SO_RCVBUF", SO_RCVBUF);
  define(env, exports, "SO_ERROR", SO_ERROR);
  define(env, exports, "MSG_TRUNC", MSG_TRUNC);
  define(env, exports, "MSG_CTRUNC", MSG_CTRUNC);
}

}  // namespace strait
