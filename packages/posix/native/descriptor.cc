// Descriptors of pipes, FIFOs and files: pipe(2), fifo(7), open(2), fcntl(2).

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <climits>

#include "addon.h"
#include "blocker.h"

namespace strait {
namespace {

int64_t own(Arguments& arguments, int descriptor) {
  return Environment::of(arguments.env())->own(static_cast<int>(outcome(descriptor)));
}

/// (path, flags, mode) → descriptor, closed on exec.
int64_t openPath(Arguments& arguments) {
  char path[PATH_MAX];
  if (!arguments.text(0, path, sizeof path)) return arguments.valid() ? -ENAMETOOLONG : -EINVAL;
  const int flags = arguments.integer(1);
  const int mode = arguments.integer(2);
  if (!arguments.valid()) return -EINVAL;
  return own(arguments, open(path, flags | O_CLOEXEC, mode));
}

int64_t closeDescriptor(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  if (!arguments.valid()) return -EINVAL;
  Environment::of(arguments.env())->disown(descriptor);
  return outcome(close(descriptor));
}

/// (descriptor): from now on this environment closes it when it ends.
int64_t ownDescriptor(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  return arguments.valid() ? Environment::of(arguments.env())->own(descriptor) : -EINVAL;
}

/// (descriptor): from now on somebody else closes it.
int64_t disownDescriptor(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  if (!arguments.valid()) return -EINVAL;
  Environment::of(arguments.env())->disown(descriptor);
  return 0;
}

/// (flags, two descriptors out: reader, writer)
int64_t makePipe(Arguments& arguments) {
  const int flags = arguments.integer(0);
  const Ints out = arguments.ints(1);
  if (!arguments.valid() || out.length < 2) return -EINVAL;
  int ends[2];
  if (pipe2(ends, flags | O_CLOEXEC) < 0) return -errno;
  for (int i = 0; i < 2; i++) out.data[i] = Environment::of(arguments.env())->own(ends[i]);
  return 0;
}

/// (path, mode)
int64_t makeFifo(Arguments& arguments) {
  char path[PATH_MAX];
  if (!arguments.text(0, path, sizeof path)) return arguments.valid() ? -ENAMETOOLONG : -EINVAL;
  const int mode = arguments.integer(1);
  if (!arguments.valid()) return -EINVAL;
  return outcome(mkfifo(path, mode));
}

/// (descriptor, bytes, offset, length) → bytes read; 0 is the end.
int64_t readBytes(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const Bytes target = arguments.part(1);
  if (!arguments.valid()) return -EINVAL;
  return outcome(read(descriptor, target.data, target.length));
}

/// (descriptor, bytes, offset, length, more?) → bytes written, of the one and then the other.
int64_t writeBytes(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const Bytes first = arguments.part(1);
  const Bytes second = arguments.count() > 4 ? arguments.bytes(4) : Bytes{};
  if (!arguments.valid()) return -EINVAL;
  if (!second.given) return outcome(write(descriptor, first.data, first.length));
  const iovec pieces[2] = {{first.data, first.length}, {second.data, second.length}};
  return outcome(writev(descriptor, pieces, 2));
}

/// (descriptor) → its file status flags, O_NONBLOCK among them.
int64_t statusFlags(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  return arguments.valid() ? outcome(fcntl(descriptor, F_GETFL)) : -EINVAL;
}

int64_t setStatusFlags(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const int flags = arguments.integer(1);
  return arguments.valid() ? outcome(fcntl(descriptor, F_SETFL, flags)) : -EINVAL;
}

/// (descriptor): children that are started from now on do not have it.
int64_t closeOnExec(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  return arguments.valid() ? outcome(fcntl(descriptor, F_SETFD, FD_CLOEXEC)) : -EINVAL;
}

/// (descriptor) → another one for the same open file.
int64_t duplicate(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  return arguments.valid() ? own(arguments, fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) : -EINVAL;
}

/// (descriptor) → what fits into the pipe, in bytes.
int64_t pipeSize(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  return arguments.valid() ? outcome(fcntl(descriptor, F_GETPIPE_SZ)) : -EINVAL;
}

/// (descriptor, bytes) → what fits now; at least that.
int64_t setPipeSize(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const int size = arguments.integer(1);
  return arguments.valid() ? outcome(fcntl(descriptor, F_SETPIPE_SZ, size)) : -EINVAL;
}

/// (descriptor, exclusive) Locks the whole file for this open file, or -EAGAIN; the lock ends with its last descriptor.
int64_t lockFile(Arguments& arguments) {
  const int descriptor = arguments.integer(0);
  const bool exclusive = arguments.truth(1);
  if (!arguments.valid()) return -EINVAL;
  struct flock lock = {};
  lock.l_type = exclusive ? F_WRLCK : F_RDLCK;
  lock.l_whence = SEEK_SET;
  return outcome(fcntl(descriptor, F_OFD_SETLK, &lock));
}

/// (blocker, descriptor) Lets the blocker lock the whole file, as `lockFile`, when nobody else has it locked.
int64_t startLocking(Arguments& arguments) {
  Blocker* blocker = Blocker::of(arguments, 0);
  const int descriptor = arguments.integer(1);
  if (blocker == nullptr || !arguments.valid()) return -EINVAL;
  return blocker->start([=] {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return outcome(fcntl(descriptor, F_OFD_SETLKW, &lock));
  });
}

}  // namespace

void defineDescriptors(napi_env env, napi_value exports) {
  define<openPath>(env, exports, "open");
  define<closeDescriptor>(env, exports, "close");
  define<ownDescriptor>(env, exports, "own");
  define<disownDescriptor>(env, exports, "disown");
  define<makePipe>(env, exports, "pipe");
  define<makeFifo>(env, exports, "mkfifo");
  define<readBytes>(env, exports, "read");
  define<writeBytes>(env, exports, "write");
  define<statusFlags>(env, exports, "statusFlags");
  define<setStatusFlags>(env, exports, "setStatusFlags");
  define<closeOnExec>(env, exports, "closeOnExec");
  define<duplicate>(env, exports, "duplicate");
  define<pipeSize>(env, exports, "pipeSize");
  define<setPipeSize>(env, exports, "setPipeSize");
  define<lockFile>(env, exports, "lockFile");
  define<startLocking>(env, exports, "lockFileStart");
}

}  // namespace strait
