import type { MessagePort } from 'node:worker_threads'
import {
  type Kind,
  NO_PORT_EVENTS,
  type Port,
  type PortEvents,
  StraitError,
  unitToValue,
  valueToUnit,
} from '@strait/core'

/** One end of a MessageChannel as a `Port`. */
export class ThreadPort implements Port {
  events: PortEvents = NO_PORT_EVENTS
  readonly #port: MessagePort
  readonly #url: URL
  readonly #moving = new WeakSet<Uint8Array>()
  #ended = false

  constructor(port: MessagePort, url: URL) {
    this.#port = port
    this.#url = url
    port.on('message', this.#onMessage)
    port.on('messageerror', this.#onMessageError)
    port.on('close', this.#onClose)
  }

  /** This message's buffer is to be moved, not copied, when its turn comes. */
  move(message: Uint8Array): void {
    this.#moving.add(message)
  }

  keep(message: Uint8Array): void {
    this.#moving.delete(message)
  }

  readonly #onMessage = (value: unknown): void => {
    const unit = valueToUnit(value)
    if (unit === undefined) this.#corrupt()
    else this.events.unit(...unit)
  }

  readonly #onMessageError = (error: Error): void => this.#corrupt(error)

  readonly #onClose = (): void => this.#finish()

  #corrupt(cause?: Error): void {
    const context = { operation: 'receive', url: this.#url, cause }
    this.#finish(new StraitError('CORRUPT', 'the peer sent something that is not of this channel', context))
  }

  #finish(error?: StraitError): void {
    if (this.#ended) return
    this.#ended = true
    this.events.end(error)
  }

  /** True always: what is posted lies in the other thread's queue, and it is a copy. */
  post(kind: Kind, payload: Uint8Array): boolean {
    if (this.#moving.delete(payload) && this.#moved(payload)) return true
    if (payload.byteLength === payload.buffer.byteLength && payload.buffer instanceof ArrayBuffer) {
      this.#port.postMessage(unitToValue(kind, payload))
    } else {
      // A part of a buffer would be cloned with all the rest, and shared memory not at all.
      const copy = new Uint8Array(payload)
      this.#port.postMessage(unitToValue(kind, copy), [copy.buffer])
    }
    return true
  }

  /** False: this buffer cannot be moved, such as the memory of a WebAssembly module. */
  #moved(message: Uint8Array): boolean {
    try {
      this.#port.postMessage(message, [message.buffer as ArrayBuffer])
      return true
    } catch {
      return false
    }
  }

  destroy(): void {
    this.#port.off('message', this.#onMessage)
    this.#port.off('messageerror', this.#onMessageError)
    this.#port.off('close', this.#onClose)
    this.#port.close()
  }

  ref(): void {
    this.#port.ref()
  }

  unref(): void {
    this.#port.unref()
  }
}
