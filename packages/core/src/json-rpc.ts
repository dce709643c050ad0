import type { Channel } from './channel.js'
import { json } from './codec.js'
import type { StraitError } from './error.js'
import { pump } from './pump.js'

export interface JsonRpcMessage {
  jsonrpc: string
}

export interface Disposable {
  dispose(): void
}

/** Adds a listener; what comes back takes it away. */
export type JsonRpcEvent<T> = (
  listener: (event: T) => unknown,
  thisArgs?: unknown,
  disposables?: Disposable[],
) => Disposable

/** The `MessageReader` of vscode-jsonrpc. */
export interface JsonRpcReader extends Disposable {
  /** A message that is not JSON, `CORRUPT`, after which reading goes on; or the channel's failure, behind which it ends. */
  readonly onError: JsonRpcEvent<Error>
  /** The channel has ended, and every message was handed out. */
  readonly onClose: JsonRpcEvent<void>
  /** Never: a channel has whole messages only. */
  readonly onPartialMessage: JsonRpcEvent<{ readonly messageToken: number; readonly waitingTime: number }>
  /** Begins to read, one message a turn of the event loop; until then everything waits in the channel. Once. */
  listen(callback: (message: JsonRpcMessage) => void): Disposable
  /** Stops reading. The channel stays open and loses nothing. */
  dispose(): void
}

/** The `MessageWriter` of vscode-jsonrpc. */
export interface JsonRpcWriter extends Disposable {
  /** What `write` rejects with, the message, and which failure this is, counted from 1. */
  readonly onError: JsonRpcEvent<[Error, JsonRpcMessage | undefined, number | undefined]>
  /** As the reader's. */
  readonly onClose: JsonRpcEvent<void>
  /** `send` of the channel: order, backpressure and errors are those, and JSON's own. */
  write(message: JsonRpcMessage): Promise<void>
  /** Closes the channel behind everything written; what is unread is dropped. */
  end(): void
  /** Forgets its listeners. The channel stays open. */
  dispose(): void
}

/**
 * A channel as the two sides of a JSON-RPC connection: what `createMessageConnection` of vscode-jsonrpc takes. One
 * message of the channel is one of JSON-RPC, or a batch, as JSON in UTF-8 and without headers. From then on the channel
 * is theirs.
 */
export function toJsonRpc(channel: Channel): { reader: JsonRpcReader; writer: JsonRpcWriter } {
  const readErrors = new Emitter<Error>()
  const writeErrors = new Emitter<[Error, JsonRpcMessage | undefined, number | undefined]>()
  const readerCloses = new Emitter<void>()
  const writerCloses = new Emitter<void>()
  const disposal = new AbortController()
  let listening = false
  let failures = 0

  const read = async (callback: (message: JsonRpcMessage) => void) => {
    const value = (message: JsonRpcMessage) => {
      try {
        callback(message)
      } catch (error) {
        readErrors.fire(asError(error))
      }
    }
    const sink = { value, corrupt: (error: StraitError) => readErrors.fire(error) }
    await pump(channel, json, sink, disposal.signal).catch((error) => readErrors.fire(error))
    if (disposal.signal.aborted) return
    readerCloses.fire()
    writerCloses.fire()
  }

  const reader: JsonRpcReader = {
    onError: readErrors.event,
    onClose: readerCloses.event,
    onPartialMessage: new Emitter<never>().event,
    listen(callback) {
      if (listening) throw new TypeError('this reader is listened to already')
      listening = true
      void read(callback)
      return { dispose: () => disposal.abort() }
    },
    dispose() {
      disposal.abort()
      readErrors.clear()
      readerCloses.clear()
    },
  }

  const writer: JsonRpcWriter = {
    onError: writeErrors.event,
    onClose: writerCloses.event,
    async write(message) {
      try {
        await channel.send(json.encode(message))
      } catch (error) {
        failures++
        writeErrors.fire([asError(error), message, failures])
        throw error
      }
    },
    end() {
      void channel.close()
    },
    dispose() {
      writeErrors.clear()
      writerCloses.clear()
    },
  }
  return { reader, writer }
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))

class Emitter<T> {
  readonly #listeners = new Set<{ tell(event: T): void }>()

  readonly event: JsonRpcEvent<T> = (listener, thisArgs, disposables) => {
    const entry = { tell: (event: T) => void listener.call(thisArgs, event) }
    this.#listeners.add(entry)
    const disposable = { dispose: () => void this.#listeners.delete(entry) }
    disposables?.push(disposable)
    return disposable
  }

  fire(event: T): void {
    for (const { tell } of [...this.#listeners]) tell(event)
  }

  clear(): void {
    this.#listeners.clear()
  }
}
