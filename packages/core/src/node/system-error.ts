import { type ErrorCode, StraitError } from '../error.js'

/** What the kernel's and Node's own codes mean here. */
const MEANINGS: Record<string, [ErrorCode, string]> = {
  EADDRINUSE: ['ADDRESS_IN_USE', 'somebody listens here already'],
  EEXIST: ['ADDRESS_IN_USE', 'somebody listens here already'],
  ECONNREFUSED: ['REFUSED', 'nobody is listening'],
  EAGAIN: ['REFUSED', 'the backlog of the listener is full'],
  ENOENT: ['REFUSED', 'nobody is listening'],
  ENOTFOUND: ['REFUSED', 'the host has no address'],
  EAI_AGAIN: ['REFUSED', 'the host has no address'],
  EHOSTUNREACH: ['REFUSED', 'the host cannot be reached'],
  ENETUNREACH: ['REFUSED', 'the network cannot be reached'],
  ETIMEDOUT: ['REFUSED', 'the host does not answer'],
  EADDRNOTAVAIL: ['ADDRESS_INVALID', 'no such address on this machine'],
  ENOTDIR: ['ADDRESS_INVALID', 'a part of the path is not a directory'],
  ENAMETOOLONG: ['ADDRESS_INVALID', 'the path is too long'],
  ELOOP: ['PERMISSION', 'the path leads through a symbolic link'],
  EACCES: ['PERMISSION', 'the file mode or the address forbids it'],
  EPERM: ['PERMISSION', 'the system forbids it'],
  EROFS: ['PERMISSION', 'the file system is read-only'],
  EMFILE: ['NO_RESOURCES', 'this process has too many files open; `ulimit -n` shows and raises the limit'],
  ENFILE: [
    'NO_RESOURCES',
    'the system has too many files open; `sysctl fs.file-max` shows and raises the limit',
  ],
  ETOOMANYREFS: [
    'NO_RESOURCES',
    'too many passed descriptors have not been received yet; `ulimit -n` shows and raises the limit',
  ],
  ENOSPC: ['NO_RESOURCES', 'no space is left on the file system; `df` shows it'],
  ENOMEM: ['NO_RESOURCES', 'no memory is left; `free` shows it'],
  ECONNRESET: ['RESET', 'the peer went away without closing'],
  EPIPE: ['RESET', 'the peer went away without closing'],
  ECANCELED: ['RESET', 'the peer went away without closing'],
  ERR_IPC_CHANNEL_CLOSED: ['RESET', 'the peer went away without closing'],
  ERR_IPC_DISCONNECTED: ['RESET', 'the peer went away without closing'],
  ERR_SOCKET_CLOSED: ['RESET', 'the peer went away without closing'],
}

/** A system call's error as a `StraitError`: its meaning first, its name behind, itself as the cause. */
export function systemError(error: unknown, operation: string, url: URL | string): StraitError {
  if (error instanceof StraitError) return error
  const name = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  const [code, meaning] = MEANINGS[name] ?? ['SYSTEM', error instanceof Error ? error.message : String(error)]
  const reason = MEANINGS[name] === undefined ? meaning : `${meaning} (${name})`
  return new StraitError(code as ErrorCode, reason, { operation, url, cause: error })
}
