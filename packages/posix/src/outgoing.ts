import { StraitError, type SyncWaitOptions, type WaitOptions } from '@strait/core'
import { Turns } from './turns.js'
import type { Pollable } from './waiting.js'

/** Bytes on their way out, which may go in several parts. */
export interface Parcel {
  readonly length: number
  /** Sends from this offset on; how many bytes went, or undefined: none now. */
  send(from: number): number | undefined
  /** What is ready when another attempt is worth it; asked after each that was not. */
  pollable(): Pollable
}

class Sending {
  readonly parcel: Parcel
  sent = 0
  done = false

  constructor(parcel: Parcel) {
    this.parcel = parcel
  }

  /** Something is out, so that the rest must follow before anything else does. */
  get begun(): boolean {
    return this.sent > 0 || this.done
  }

  /** Sends as much as goes now; whether that was all. */
  advance(): boolean {
    while (!this.done) {
      const count = this.parcel.send(this.sent)
      if (count === undefined) return false
      this.sent += count
      this.done = this.sent >= this.parcel.length
    }
    return true
  }
}

/** One way out: parcels leave whole and in the order of the calls. */
export class Outgoing {
  readonly #pollable: Pollable
  readonly #operation: string
  readonly #turns: Turns
  #current: Sending | undefined

  constructor(pollable: Pollable, operation: string) {
    this.#pollable = pollable
    this.#operation = operation
    this.#turns = new Turns(operation, pollable.name)
  }

  /** What went at once, in bytes; undefined: nothing, or others are before it. */
  try(parcel: Parcel): number | undefined {
    this.#pollable.ensureOpen(this.#operation)
    if (this.#turns.taken) return undefined
    const sending = new Sending(parcel)
    sending.advance()
    return sending.begun ? sending.sent : undefined
  }

  /** `signal` counts until the first byte is out. */
  async send(parcel: Parcel, { signal }: WaitOptions = {}): Promise<void> {
    await this.#turns.take(signal, async () => {
      this.#pollable.ensureOpen(this.#operation)
      const sending = new Sending(parcel)
      this.#current = sending
      const wait = async (attempt: () => boolean, options?: WaitOptions) => {
        for (let went = false; !went; ) {
          const pollable = parcel.pollable()
          const either = () => eitherWay(attempt, parcel, pollable)
          went = await pollable.run('outgoing', this.#operation, either, options)
        }
      }
      try {
        if (sending.advance()) return
        if (!sending.begun) await wait(() => sending.advance() || sending.begun, { signal })
        if (!sending.done) await wait(() => sending.advance())
      } finally {
        this.#current = undefined
      }
    })
  }

  /** Blocks. Goes before those who wait, but behind what has left in part. */
  sendSync(parcel: Parcel, { timeout }: SyncWaitOptions = {}): void {
    this.#pollable.ensureOpen(this.#operation)
    const deadline = timeout === undefined ? undefined : performance.now() + timeout
    if (this.#current?.begun === true) this.#finish(this.#current, deadline)
    this.#finish(new Sending(parcel), deadline)
  }

  #finish(sending: Sending, deadline: number | undefined): void {
    const { parcel } = sending
    try {
      for (let went = sending.advance(); !went; ) {
        const pollable = parcel.pollable()
        const timeout = deadline === undefined ? undefined : Math.max(0, deadline - performance.now())
        const either = () => eitherWay(() => sending.advance(), parcel, pollable)
        went = pollable.runSync('outgoing', this.#operation, either, { timeout })
      }
    } catch (error) {
      if (!StraitError.is(error, 'TIMEOUT')) throw error
      const reason = `the time is over with ${sending.sent} of ${parcel.length} bytes out`
      throw new StraitError('TIMEOUT', reason, { operation: this.#operation, url: this.#pollable.name })
    }
  }

  /** Does something behind all that is on its way. */
  async afterwards(work: () => void): Promise<void> {
    await this.#turns.take(undefined, async () => work())
  }
}

/** true: it went; undefined: wait on for the same; false: for another one. */
function eitherWay(attempt: () => boolean, parcel: Parcel, pollable: Pollable): boolean | undefined {
  if (attempt()) return true
  return parcel.pollable() === pollable ? undefined : false
}
