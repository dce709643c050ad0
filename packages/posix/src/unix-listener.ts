import { type SyncWaitOptions, throwIfAborted, type WaitOptions } from '@strait/core'
import { check, isAgain, native } from './native.js'
import { checkLength } from './scratch.js'
import { nameOf, type UnixAddress } from './unix-address.js'
import { addressOf, bindPath, type UnixKind, unlinkOwn } from './unix-calls.js'
import { UnixSocket } from './unix-socket.js'
import { Pollable } from './waiting.js'

export interface UnixListenOptions {
  /** `stream` unless told. */
  kind?: Exclude<UnixKind, 'datagram'> | undefined
  /** How many may be connected and not yet accepted; the kernel allows `sysctl net.core.somaxconn`. 128 unless told. */
  backlog?: number | undefined
  /** Who may connect to a socket file, whatever the umask says. 0o600 unless told. */
  mode?: number | undefined
}

/** A Unix socket that others connect to; unix(7), listen(2). */
export class UnixListener implements Disposable, AsyncIterable<UnixSocket> {
  readonly kind: Exclude<UnixKind, 'datagram'>
  readonly #pollable: Pollable
  readonly #unlink: () => void
  #closed = false

  private constructor(pollable: Pollable, kind: Exclude<UnixKind, 'datagram'>, unlink: () => void) {
    this.#pollable = pollable
    this.kind = kind
    this.#unlink = unlink
  }

  /**
   * Listens; others may connect when this returns. A path has its mode from the beginning, and is removed by `close` if
   * it is still this listener's. What a killed process has left there stays, and is in the way.
   *
   * - Errors: `ADDRESS_IN_USE` something has the address; `ADDRESS_INVALID` no such directory, or an address that does
   *   not fit; `PERMISSION`; `NO_RESOURCES`.
   */
  static listen(address: UnixAddress, options: UnixListenOptions = {}): UnixListener {
    const { kind = 'stream', backlog = 128, mode = 0o600 } = options
    if ((kind as UnixKind) === 'datagram')
      throw new TypeError('datagrams have no listener; use UnixSocket.bind')
    checkLength('backlog', backlog, 0)
    const { descriptor, identity } = bindPath(address, kind, mode, 'listen')
    const unlink = () => {
      if (identity !== undefined) unlinkOwn(address as string, identity)
    }
    const listener = new UnixListener(new Pollable(descriptor, nameOf(address)), kind, unlink)
    const result = native().listen(descriptor, backlog)
    if (result < 0) listener.close()
    check(result, 'listen', nameOf(address))
    return listener
  }

  get descriptor(): number {
    this.#pollable.ensureOpen('descriptor')
    return this.#pollable.descriptor
  }

  get closed(): boolean {
    return this.#closed
  }

  get address(): UnixAddress | undefined {
    return addressOf(this.descriptor, this.#pollable.name)
  }

  /** Who has connected; undefined: nobody now. Goes before those who wait. */
  tryAccept(): UnixSocket | undefined {
    this.#pollable.ensureOpen('accept')
    return this.#attempt()
  }

  /**
   * The next one who connects.
   *
   * - Order: as called.
   * - Abort: nobody was accepted.
   * - Errors: `NO_RESOURCES` too many open files; `CLOSED`, also meanwhile; `ABORTED`.
   */
  async accept({ signal }: WaitOptions = {}): Promise<UnixSocket> {
    throwIfAborted('accept', this.#pollable.name, signal)
    return this.#pollable.run('incoming', 'accept', () => this.#attempt(), { signal })
  }

  /**
   * The same, blocking the thread.
   *
   * - Errors: those; `TIMEOUT`.
   */
  acceptSync(options: SyncWaitOptions = {}): UnixSocket {
    return this.#pollable.runSync('incoming', 'accept', () => this.#attempt(), options)
  }

  #attempt(): UnixSocket | undefined {
    const { descriptor, name } = this.#pollable
    const accepted = native().accept(descriptor)
    if (isAgain(accepted)) return undefined
    return UnixSocket.fromDescriptor(check(accepted, 'accept', name), name)
  }

  /** Everybody who connects, until this is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<UnixSocket, void, void> {
    while (!this.#closed) {
      try {
        yield await this.accept()
      } catch (error) {
        if (!this.#closed) throw error
      }
    }
  }

  /** Listens no more, and removes its path. Who has not been accepted is turned away. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#pollable.close()
    this.#unlink()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
