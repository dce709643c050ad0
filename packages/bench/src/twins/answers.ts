import type { EventEmitter } from 'node:events'

/** Hands the answers of a peer to whoever asked, one question at a time; a peer that ends fails the question. */
export class Answers<T = Uint8Array> {
  readonly exited: Promise<void>
  #waiting: { resolve(answer: T): void; reject(error: unknown): void } | undefined
  #failure: Error | undefined

  /** `peer` is a child process or a worker thread. */
  constructor(name: string, peer: EventEmitter) {
    this.exited = new Promise((resolve) => {
      peer.once('error', (error: Error) => {
        this.failed(error)
        resolve()
      })
      peer.once('exit', (code: number | null, signal?: NodeJS.Signals) => {
        this.failed(new Error(`${name}: the peer has ended (${signal ?? `exit code ${code}`})`))
        resolve()
      })
    })
  }

  next(): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  arrived(answer: T): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(answer)
  }

  failed(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(error)
  }
}
