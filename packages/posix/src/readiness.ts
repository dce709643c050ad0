import { kernelError, type Native, native, type PollHandle } from './native.js'

/**
 * Tells when a descriptor may be read or written, on the event loop of this environment; epoll(7). Watches nothing
 * until told to, and keeps nothing alive until `ref`.
 */
export class Readiness {
  readonly #native: Native
  readonly #poll: PollHandle
  #events = 0
  #held = false
  #closed = false

  /** `onReady` gets UV_READABLE and UV_WRITABLE, or'ed; both where the descriptor is in error. */
  constructor(descriptor: number, onReady: (events: number) => void) {
    this.#native = native()
    const poll = this.#native.pollOpen(descriptor, (events) => {
      // On an error libuv has stopped watching; which error it is, the next system call tells.
      if (events < 0) this.#events = 0
      onReady(events < 0 ? this.#native.UV_READABLE | this.#native.UV_WRITABLE : events)
    })
    if (typeof poll === 'number') throw kernelError(poll, 'watch', `descriptor ${descriptor}`)
    this.#poll = poll
  }

  get events(): number {
    return this.#events
  }

  watch(events: number): void {
    if (events === this.#events || this.#closed) return
    this.#events = events
    this.#native.pollSet(this.#poll, events)
  }

  /** Keeps the event loop alive, also while nothing is watched. */
  ref(): void {
    if (this.#held || this.#closed) return
    this.#held = true
    this.#native.hold()
  }

  unref(): void {
    if (!this.#held) return
    this.#held = false
    this.#native.release()
  }

  /** Afterwards the descriptor may be closed. */
  close(): void {
    if (this.#closed) return
    this.unref()
    this.#closed = true
    this.#native.pollClose(this.#poll)
  }
}
