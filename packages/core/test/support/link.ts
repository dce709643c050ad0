import { BaseChannel } from '../../src/base-channel.js'
import type { Capabilities } from '../../src/channel.js'
import { type ErrorCode, StraitError } from '../../src/error.js'
import { type Link, type LinkEvents, NO_EVENTS } from '../../src/link.js'
import { mem } from '../../src/mem.js'

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (message: Uint8Array | undefined): string | undefined =>
  message === undefined ? undefined : new TextDecoder().decode(message)

export const failure = (code: ErrorCode): StraitError =>
  new StraitError(code, 'scripted', { operation: 'receive' })

/** Lets everything that waits for promises, ticks and immediates happen. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** `pending`, or how a promise was settled. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  await settled()
  return Promise.race([
    promise.then(
      (value) => (value instanceof Uint8Array ? text(value) : value),
      (error) => error,
    ),
    Promise.resolve().then(() => 'pending'),
  ])
}

/** A link whose every move the test makes. */
export class ScriptedLink implements Link {
  events: LinkEvents = NO_EVENTS
  pending = 0
  maxMessageSize = 1024
  /** How many more messages `write` takes. */
  room = Number.POSITIVE_INFINITY
  /** Whether what is taken stays pending until `left`. */
  slow = false
  readonly written: string[] = []
  destroyed = 0
  shutdowns = 0
  refs: string[] = []
  readonly #incoming: Uint8Array[] = []
  #finish: { error: StraitError | undefined } | undefined
  #ended = false
  #shutdown: (() => void) | undefined
  /** Whether shutdown resolves at once. */
  endLeaves = true

  look?(patiently: boolean): Uint8Array | undefined

  read(): Uint8Array | undefined {
    const message = this.#incoming.shift()
    if (message === undefined && this.#finish !== undefined && !this.#ended) {
      this.#ended = true
      this.events.end(this.#finish.error)
    }
    return message
  }

  write(message: Uint8Array): boolean {
    if (this.room === 0) return false
    this.room--
    if (this.slow) this.pending++
    this.written.push(text(message)!)
    return true
  }

  left(count: number): void {
    this.pending -= count
    this.events.writable()
  }

  open(room: number): void {
    this.room = room
    this.events.writable()
  }

  arrive(...messages: string[]): void {
    for (const message of messages) this.#incoming.push(utf8(message))
    this.events.readable()
  }

  /** The peer's end behind everything that has arrived. */
  finish(error?: StraitError): void {
    this.#finish = { error }
    this.events.readable()
  }

  get unread(): number {
    return this.#incoming.length
  }

  shutdown(): Promise<void> {
    this.shutdowns++
    return new Promise((resolve) => {
      this.#shutdown = resolve
      if (this.endLeaves) resolve()
    })
  }

  endLeft(): void {
    this.#shutdown?.()
  }

  destroy(): void {
    this.destroyed++
    this.#shutdown?.()
  }

  ref(): void {
    this.refs.push('ref')
  }
  unref(): void {
    this.refs.push('unref')
  }
}

const capabilities: Capabilities = { ...mem.capabilities }

export function scripted(): { link: ScriptedLink; channel: BaseChannel } {
  const link = new ScriptedLink()
  return { link, channel: new BaseChannel(link, { url: new URL('mem:test'), capabilities }) }
}
