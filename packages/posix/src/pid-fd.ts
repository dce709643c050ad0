import { constants } from 'node:os'
import { type SyncWaitOptions, throwIfAborted, type WaitOptions } from '@strait/core'
import { check, type Meanings, native } from './native.js'
import { Pollable } from './waiting.js'

const OPENING: Meanings = {
  ESRCH: ['REFUSED', 'there is no such process'],
  EINVAL: ['REFUSED', 'it is a thread, not a process'],
  ENOENT: ['REFUSED', 'it is a thread, not a process'],
  ENOSYS: ['NOT_SUPPORTED', 'this needs Linux 5.3 or later'],
  // The call itself forbids nobody: it is what containers answer whose filter is older than the call.
  EPERM: ['NOT_SUPPORTED', 'the seccomp filter of this container does not know pidfd_open'],
}

const SIGNALLING: Meanings = {
  ESRCH: ['REFUSED', 'the process has ended'],
  EPERM: ['PERMISSION', "it is another user's process"],
}

/**
 * A process, and never another one that has got its number meanwhile; pidfd_open(2). Any process whose number you know
 * can be waited for, not only a child; its exit code is its parent's.
 *
 * A pid that was sent to you may already be another process's: open it while you know that it lives, for instance
 * while a socket to it is open.
 */
export class PidFd implements Disposable {
  readonly pid: number
  readonly #pollable: Pollable

  private constructor(pid: number, descriptor: number) {
    this.pid = pid
    this.#pollable = new Pollable(descriptor, `process ${pid}`)
  }

  /**
   * Opens the process that has this number now.
   *
   * - Errors: `RangeError`; `REFUSED` there is none, or it is a thread; `NO_RESOURCES`; `NOT_SUPPORTED` Linux before 5.3.
   */
  static open(pid: number): PidFd {
    if (!Number.isInteger(pid) || pid < 1 || pid >= 2 ** 31)
      throw new RangeError(`a pid is a positive integer, not ${pid}`)
    return new PidFd(pid, check(native('open').pidfdOpen(pid), 'open', `process ${pid}`, OPENING))
  }

  /** To pass on; it stays this object's. */
  get descriptor(): number {
    this.#pollable.ensureOpen('descriptor')
    return this.#pollable.descriptor
  }

  get closed(): boolean {
    return this.#pollable.closed
  }

  /** Whether the process has ended; also when its parent has not asked for its exit code yet. - Errors: `CLOSED`. */
  tryWait(): boolean {
    this.#pollable.ensureOpen('wait')
    return this.#ended()
  }

  /** Waits until the process has ended. - Errors: `CLOSED`, also meanwhile; `ABORTED`. */
  async wait({ signal }: WaitOptions = {}): Promise<void> {
    throwIfAborted('wait', this.#pollable.name, signal)
    await this.#pollable.run('incoming', 'wait', () => this.#ended() || undefined, { signal })
  }

  /** The same, blocking the thread. - Errors: `CLOSED`; `TIMEOUT`. */
  waitSync(options: SyncWaitOptions = {}): void {
    this.#pollable.runSync('incoming', 'wait', () => this.#ended() || undefined, options)
  }

  #ended(): boolean {
    const { descriptor, name } = this.#pollable
    const { pollNow, POLLIN } = native()
    return check(pollNow(descriptor, POLLIN, -1, 0, 0), 'wait', name) !== 0
  }

  /**
   * Sends a signal, as kill(2); 0 only asks whether that would be allowed.
   *
   * - Errors: `TypeError` no such signal; `REFUSED` the process has ended; `PERMISSION`; `CLOSED`.
   */
  kill(signal: NodeJS.Signals | 0 | number = 'SIGTERM'): void {
    this.#pollable.ensureOpen('kill')
    const number = typeof signal === 'number' ? signal : constants.signals[signal]
    if (!Number.isInteger(number) || number < 0 || number > 64)
      throw new TypeError(`there is no signal ${signal}`)
    const { descriptor, name } = this.#pollable
    check(native().pidfdSendSignal(descriptor, number), 'kill', name, SIGNALLING)
  }

  /** Closes it; the process goes on. Who waits gets `CLOSED`. Idempotent. */
  close(): void {
    this.#pollable.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
