import type { EventEmitter } from 'node:events'

interface Waiting<T> {
  resolve(answer: T): void
  reject(error: unknown): void
}

/** Hands the answers of a peer to whoever asked, in order; a peer that ends fails the questions. */
export class Answers<T = Uint8Array> {
  readonly exited: Promise<void>
  readonly #arrived: T[] = []
  readonly #waiting: Waiting<T>[] = []
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
    if (this.#arrived.length > 0) return Promise.resolve(this.#arrived.shift()!)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  arrived(answer: T): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#arrived.push(answer)
    else waiting.resolve(answer)
  }

  failed(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
