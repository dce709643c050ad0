import { bareName, checkQuery } from './address.js'
import { BaseChannel } from './base-channel.js'
import { BaseListener } from './base-listener.js'
import {
  type Capabilities,
  type ChannelOptions,
  type ConnectOptions,
  DEFAULT_MAX_MESSAGE_SIZE,
  type ListenOptions,
  type Transport,
} from './channel.js'
import { StraitError, throwIfAborted } from './error.js'
import { checkOptions, keyBytes } from './handshake.js'
import { type Link, NO_EVENTS } from './link.js'
import { patient } from './patience.js'

/** Unread bytes at which a queue is full. The message that crosses the line is still taken. */
const CAPACITY = 64 * 1024

/** What a message costs beside its bytes, so that empty ones are bounded too. */
const OVERHEAD = 64

const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'native',
  detectsPeerDeath: false,
  survivesSenderDeath: false,
  deliversAfterPeerDeath: true,
  peerCredentials: false,
  private: true,
  persistent: false,
  sync: false,
  threads: true,
  scope: 'process',
}

/** One end of two queues in this process. */
class MemLink implements Link {
  events = NO_EVENTS
  readonly pending = 0
  readonly maxMessageSize: number
  readonly #url: URL
  #peer!: MemLink
  readonly #inbox: Uint8Array[] = []
  #unread = 0
  #refused = false
  #ended: 'cleanly' | 'reset' | undefined
  #destroyed = false

  private constructor(url: URL, maxMessageSize: number) {
    this.#url = url
    this.maxMessageSize = maxMessageSize
  }

  static pair(url: URL, maxMessageSize: number): [MemLink, MemLink] {
    const ends: [MemLink, MemLink] = [new MemLink(url, maxMessageSize), new MemLink(url, maxMessageSize)]
    ends[0].#peer = ends[1]
    ends[1].#peer = ends[0]
    return ends
  }

  read(): Uint8Array | undefined {
    const message = this.#inbox.shift()
    if (message !== undefined) {
      this.#unread -= message.length + OVERHEAD
      if (this.#refused && this.#unread < CAPACITY) {
        this.#refused = false
        queueMicrotask(() => this.#peer.events.writable())
      }
    } else if (this.#ended === 'cleanly') {
      this.events.end()
    } else if (this.#ended === 'reset') {
      this.events.end(this.#reset('receive'))
    }
    return message
  }

  write(message: Uint8Array): boolean {
    const peer = this.#peer
    if (peer.#destroyed) return false
    if (peer.#unread >= CAPACITY) {
      peer.#refused = true
      return false
    }
    // Not `slice`: that of a Buffer shares its memory.
    peer.#inbox.push(new Uint8Array(message))
    peer.#unread += message.length + OVERHEAD
    peer.events.readable()
    return true
  }

  shutdown(): Promise<void> {
    this.#sayEnd('cleanly')
    return Promise.resolve()
  }

  destroy(): void {
    this.#destroyed = true
    this.#inbox.length = 0
    this.#sayEnd('reset')
  }

  #sayEnd(how: 'cleanly' | 'reset'): void {
    const peer = this.#peer
    if (peer.#ended !== undefined) return
    peer.#ended = how
    if (how === 'reset') peer.events.fail(peer.#reset('send'))
    peer.events.readable()
  }

  #reset(operation: string): StraitError {
    return new StraitError('RESET', 'the peer went away without closing', { operation, url: this.#url })
  }

  ref(): void {}
  unref(): void {}
}

function pair(url: URL, options: ChannelOptions): [BaseChannel, BaseChannel] {
  checkOptions(options)
  const [a, b] = MemLink.pair(url, options.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE)
  return [new BaseChannel(a, { url, capabilities }), new BaseChannel(b, { url, capabilities })]
}

const keyText = ({ key }: ChannelOptions) => (key === undefined ? undefined : String(keyBytes(key)))

interface Named {
  readonly listener: BaseListener<BaseChannel>
  readonly options: ListenOptions
}

const listeners = new Map<string, Named>()

/** `mem:name`: both ends in one process and thread. The fastest, and what a transport looks like at its smallest. */
export const mem = {
  schemes: ['mem'],
  capabilities,

  async listen(url: URL, options: ListenOptions = {}): Promise<BaseListener<BaseChannel>> {
    checkQuery(url, 'listen')
    checkOptions(options)
    const name = bareName(url, 'listen')
    throwIfAborted('listen', url, options.signal)
    if (listeners.has(name)) {
      throw new StraitError('ADDRESS_IN_USE', 'somebody listens here already', { operation: 'listen', url })
    }
    const listener = new BaseListener<BaseChannel>(url, {
      close: async () => {
        listeners.delete(name)
      },
      ref() {},
      unref() {},
    })
    listeners.set(name, { listener, options })
    return listener
  },

  connect: patient(async (url: URL, options: ConnectOptions): Promise<BaseChannel> => {
    checkQuery(url, 'connect')
    checkOptions(options)
    const name = bareName(url, 'connect')
    throwIfAborted('connect', url, options.signal)
    const named = listeners.get(name)
    const fail = (code: 'REFUSED' | 'AUTH_FAILED', reason: string) =>
      new StraitError(code, reason, { operation: 'connect', url })
    if (named === undefined) throw fail('REFUSED', 'nobody is listening')
    const { listener, options: theirs } = named
    if (keyText(options) !== keyText(theirs)) throw fail('AUTH_FAILED', 'the listener has another key')
    if (listener.waiting >= (theirs.backlog ?? 1024))
      throw fail('REFUSED', 'the backlog of the listener is full')
    const sizes = [options, theirs].map(({ maxMessageSize }) => maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE)
    const [ours, accepted] = pair(url, { maxMessageSize: Math.min(...sizes) })
    listener.offer(accepted)
    return ours
  }),

  async pair(options: ChannelOptions = {}): Promise<[BaseChannel, BaseChannel]> {
    return pair(new URL('mem:'), options)
  },
} satisfies Transport<BaseChannel>
