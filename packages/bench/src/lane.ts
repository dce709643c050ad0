import { cpuTimeOf, ownCpuTime } from './clock.js'
import type { SelfReport } from './self-report.js'

/** One thing to be measured, beside others: a peer in its own process that answers every question. */
export interface Lane {
  readonly name: string
  /** Size of every message, in bytes. */
  readonly payloadBytes: number
  /** Where the peer's CPU time is counted; undefined when it is this process. */
  readonly pid: number | undefined
  /** The kernel's number of the peer's thread, where that is one of this process. */
  readonly tid?: number | undefined
  /**
   * Sends a question and waits for its answer; undefined: the peer has ended. The message is the caller's again
   * afterwards. Not an `async` function, which would be a promise more than what it measures.
   */
  ask(message: Uint8Array): Promise<Uint8Array | undefined>
  /** Sends without waiting for an answer. Undefined: go on; otherwise wait before the next message. */
  send(message: Uint8Array): Promise<unknown> | undefined
  /** The next answer to a question that was given to `send`, in order; absent: one question at a time. */
  receive?(): Uint8Array | Promise<Uint8Array | undefined>
  /** As `send`, and `write` writes the message, of `payloadBytes`, where the peer reads it; where the lane can. */
  sendInPlace?(write: (room: Uint8Array) => void): Promise<unknown> | undefined
  /** Both ends block their threads: then `ask` and `send` are not called while something is measured. */
  readonly sync?: SyncLane | undefined
  /** What the peer has seen of itself since its first message after the last report. Twins have no such answer. */
  report?(): Promise<SelfReport>
  /** How often this end has parked, where its channel counts that. */
  parks?(): number | undefined
  /** Ends the peer and waits until it is gone. */
  close(): Promise<void>
}

/** What {@link Lane} does, blocking this thread. */
export interface SyncLane {
  ask(message: Uint8Array): Uint8Array | undefined
  send(message: Uint8Array): void
}

/** CPU time that both ends of lanes have used, in ns; undefined where the kernel does not count it. */
export function cpuTime(lanes: readonly Pick<Lane, 'pid'>[]): number | undefined {
  let sum = ownCpuTime()
  for (const { pid } of lanes) {
    const theirs = pid === undefined ? 0 : cpuTimeOf(pid)
    if (theirs === undefined) return undefined
    sum += theirs
  }
  return sum
}
