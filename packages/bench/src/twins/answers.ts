import type { ChildProcess } from 'node:child_process'

/** Hands the answers of a child to whoever asked, one question at a time; a child that ends fails the question. */
export class Answers {
  readonly exited: Promise<void>
  #waiting: { resolve(answer: Uint8Array): void; reject(error: unknown): void } | undefined
  #failure: Error | undefined

  constructor(name: string, child: ChildProcess) {
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.failed(error)
        resolve()
      })
      child.once('exit', (code, signal) => {
        this.failed(new Error(`${name}: the peer has ended (${signal ?? `exit code ${code}`})`))
        resolve()
      })
    })
  }

  next(): Promise<Uint8Array> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  arrived(answer: Uint8Array): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(answer)
  }

  failed(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(error)
  }
}
