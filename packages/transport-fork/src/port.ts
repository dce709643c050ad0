import {
  type Kind,
  NO_PORT_EVENTS,
  type Port,
  type PortEvents,
  StraitError,
  unitToValue,
  valueToUnit,
} from '@strait/core'
import { systemError } from '@strait/core/node'

/** What a ChildProcess and a child's own `process` have in common. */
export interface IpcEnd {
  readonly connected: boolean
  readonly channel?: { ref(): void; unref(): void } | null | undefined
  send(message: unknown, handle: undefined, options: object, callback: (error: Error | null) => void): boolean
  disconnect(): void
  on(event: 'message', listener: (message: unknown) => void): this
  on(event: 'disconnect', listener: () => void): this
  on(event: 'error', listener: (error: Error) => void): this
  // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
  off(event: string, listener: (...args: any[]) => void): this
}

/** Node's IPC channel as a `Port`. `serialization: 'advanced'` writes bytes as they are. */
export class IpcPort implements Port {
  events: PortEvents = NO_PORT_EVENTS
  readonly #end: IpcEnd
  readonly #url: URL
  #ended = false

  constructor(end: IpcEnd, url: URL) {
    this.#end = end
    this.#url = url
    end.on('message', this.#onMessage)
    end.on('disconnect', this.#onDisconnect)
    end.on('error', this.#onError)
  }

  readonly #onMessage = (message: unknown): void => {
    const unit = valueToUnit(message)
    if (unit === undefined) {
      const context = { operation: 'receive', url: this.#url }
      this.#finish(new StraitError('CORRUPT', 'the peer sent something that is not of this channel', context))
    } else {
      this.events.unit(...unit)
    }
  }

  readonly #onDisconnect = (): void => this.#finish()

  readonly #onError = (error: Error): void => this.#fail(error)

  #finish(error?: StraitError): void {
    if (this.#ended) return
    this.#ended = true
    this.events.end(error)
  }

  #fail(error: Error): void {
    this.events.fail(systemError(error, 'send', this.#url))
  }

  post(kind: Kind, payload: Uint8Array, _lent: boolean, left: () => void): boolean {
    // With a callback no `error` event: a failure comes here, on a later turn.
    this.#end.send(unitToValue(kind, payload), undefined, {}, (error) => {
      if (error === null || error === undefined) left()
      else this.#fail(error)
    })
    return false
  }

  destroy(): void {
    this.#end.off('message', this.#onMessage)
    this.#end.off('disconnect', this.#onDisconnect)
    if (this.#end.connected) this.#end.disconnect()
  }

  ref(): void {
    this.#end.channel?.ref()
  }

  unref(): void {
    this.#end.channel?.unref()
  }
}
