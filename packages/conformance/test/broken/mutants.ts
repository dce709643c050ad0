import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import {
  type BaseChannel,
  type Channel,
  type Link,
  mem,
  type StraitError,
  type Transport,
} from '@strait/core'

/** A transport that breaks a promise, the clause that it breaks, and those that cannot hold without that one. */
export interface Mutant {
  readonly name: string
  readonly breaks: string
  readonly implies?: readonly string[]
  readonly transport: Transport<BaseChannel>
}

type Channels = Promise<[BaseChannel, BaseChannel]>

/** The largest message of the spoiled transports, in bytes. */
const MIB = 2 ** 20

/** `mem:` without names, whose pair is spoiled. */
function pairOf(spoil: (a: BaseChannel, b: BaseChannel) => unknown): Transport<BaseChannel> {
  return {
    schemes: ['mem'],
    capabilities: { ...mem.capabilities, maxMessageSize: MIB },
    async pair(options): Channels {
      const [a, b] = await mem.pair({ maxMessageSize: MIB, ...options })
      await spoil(a, b)
      return [a, b]
    },
  }
}

/** The link of a channel, to be spoiled. */
export const linkOf = (channel: BaseChannel) => (channel as unknown as { link: Link }).link

/** What a spoiled link was before. */
interface Original extends Pick<Link, 'read' | 'shutdown' | 'destroy'> {
  write(message: Uint8Array): boolean
}

/** Replaces methods of both links. */
function links(
  spoil: (link: Link, original: Original) => Partial<Record<keyof Link, unknown>>,
): Transport<BaseChannel> {
  const one = (channel: BaseChannel) => {
    const link = linkOf(channel)
    const original: Original = {
      read: link.read.bind(link),
      write: (message: Uint8Array) => Object.getPrototypeOf(link).write.call(link, message, false),
      shutdown: link.shutdown.bind(link),
      destroy: link.destroy.bind(link),
    }
    Object.assign(link, spoil(link, original))
  }
  return pairOf((a, b) => {
    one(a)
    one(b)
  })
}

/** Replaces methods of both channels. */
function channels(
  spoil: (channel: BaseChannel, original: BaseChannel) => Partial<Record<keyof Channel, unknown>>,
): Transport<BaseChannel> {
  const one = (channel: BaseChannel) => {
    const bound = (name: keyof BaseChannel) => (channel[name] as (...args: never[]) => unknown).bind(channel)
    const names = ['trySend', 'send', 'tryReceive', 'receive', 'close', 'abort'] as const
    const original = Object.fromEntries(names.map((name) => [name, bound(name)])) as unknown as BaseChannel
    Object.assign(channel, spoil(channel, original))
  }
  return pairOf((a, b) => {
    one(a)
    one(b)
  })
}

/** `mem:` with names, where one function is spoiled. */
function named(spoil: Partial<Transport<BaseChannel>>): Transport<BaseChannel> {
  return {
    schemes: ['mem'],
    capabilities: mem.capabilities,
    listen: mem.listen,
    connect: mem.connect,
    ...spoil,
  }
}

const later = <T>(value: T) => new Promise<T>((resolve) => setImmediate(() => resolve(value)))

export const MUTANTS: Mutant[] = [
  {
    name: 'cuts the last byte of long messages',
    breaks: 'C1',
    implies: ['C2', 'C3', 'C4', 'C5', 'C6', 'C8', 'C9'],
    transport: links((_, { write }) => ({
      write: (message: Uint8Array) => write(message.length > 60_000 ? message.subarray(1) : message),
    })),
  },
  {
    name: 'loses empty messages',
    breaks: 'C1',
    implies: ['C2', 'C3', 'C4', 'C5', 'C6', 'C9'],
    transport: links((_, { write }) => ({
      write: (message: Uint8Array) => message.length === 0 || write(message),
    })),
  },
  {
    name: 'splits messages of more than 50,000 bytes',
    breaks: 'C1',
    transport: links((_, { write }) => ({
      write: (message: Uint8Array) =>
        message.length > 50_000
          ? write(message.subarray(0, 50_000)) && write(message.subarray(50_000))
          : write(message),
    })),
  },
  {
    name: 'takes one byte more than allowed',
    breaks: 'C1',
    transport: pairOf((a, b) => {
      for (const channel of [a, b])
        Object.defineProperty(linkOf(channel), 'maxMessageSize', { value: 2 ** 30 })
    }),
  },
  {
    name: 'reorders what waits',
    breaks: 'C2',
    implies: ['C1', 'C4', 'C5', 'C6', 'C8', 'C9'],
    transport: links((_, { write }) => {
      let held: Uint8Array | undefined
      return {
        write(message: Uint8Array) {
          if (message.length === 2 && held === undefined) {
            held = message.slice()
            return true
          }
          if (!write(message)) return false
          if (held !== undefined) write(held)
          held = undefined
          return true
        },
      }
    }),
  },
  {
    name: 'serves the newest receive first',
    breaks: 'C2',
    transport: channels((_, { receive }) => {
      const stack: ((message: Uint8Array | undefined) => void)[] = []
      return {
        receive(options?: object) {
          const message = receive(options)
          if (options !== undefined) return message
          const promise = new Promise((resolve, reject) => {
            stack.push(resolve)
            message.catch((error) => {
              stack.splice(stack.indexOf(resolve), 1)
              reject(error)
            })
          })
          void message.then((value) => stack.pop()?.(value)).catch(() => {})
          return promise
        },
      }
    }),
  },
  {
    name: "aliases the caller's buffer",
    breaks: 'C3',
    transport: links((link) => ({
      write(message: Uint8Array) {
        const { buffer, byteLength } = message
        // A new array of an array is a copy; of an ArrayBuffer it is not.
        const whole =
          buffer.byteLength === byteLength ? Object.assign(buffer, { length: byteLength }) : message
        return Object.getPrototypeOf(link).write.call(link, whole)
      },
    })),
  },
  {
    name: 'reuses the memory of received messages',
    breaks: 'C3',
    implies: ['C1', 'C2', 'C4', 'C5', 'C6', 'C8', 'C9'],
    transport: links((_, { read }) => {
      const memory = new Uint8Array(4096)
      return {
        read() {
          const message = read()
          if (message === undefined || message.length > memory.length || message.length < 1000) return message
          memory.set(message)
          return memory.subarray(0, message.length)
        },
      }
    }),
  },
  {
    name: 'drops when full',
    breaks: 'C4',
    implies: ['C1', 'C2', 'C3', 'C5', 'C6', 'C8', 'C9', 'C11'],
    transport: links((_, { write }) => ({
      write(message: Uint8Array) {
        write(message)
        return true
      },
    })),
  },
  {
    name: 'buffers without bound',
    breaks: 'C4',
    implies: ['C2', 'C5', 'C7', 'C8', 'C9', 'C11'],
    transport: links((link, { write }) => {
      const more: Uint8Array[] = []
      const flush = () => {
        while (more.length > 0 && write(more[0]!)) more.shift()
      }
      queueMicrotask(() => {
        const { events } = link
        const writable = () => {
          flush()
          events.writable()
        }
        link.events = { ...events, writable }
      })
      return {
        write(message: Uint8Array) {
          flush()
          if (more.length > 0 || !write(message)) more.push(message.slice())
          return true
        },
      }
    }),
  },
  {
    name: 'forgets to say that there is room again',
    breaks: 'C4',
    implies: ['C1', 'C2', 'C5', 'C6', 'C8', 'C9'],
    transport: pairOf((a, b) => {
      for (const channel of [a, b]) linkOf(channel).events.writable = () => {}
    }),
  },
  {
    name: 'resolves send although it waits',
    breaks: 'C5',
    implies: ['C2', 'C6', 'C7', 'C8', 'C9'],
    transport: channels((_, { send }) => ({
      send(message: Uint8Array, options?: object) {
        const sent = send(message.slice?.() ?? message, options)
        sent.catch(() => {})
        return Promise.race([sent, later(undefined)])
      },
    })),
  },
  {
    name: 'never ends',
    breaks: 'C6',
    implies: ['C1', 'C3', 'C5', 'C8', 'C9', 'C11'],
    transport: links(() => ({ shutdown: () => new Promise(() => {}) })),
  },
  {
    name: 'drops what is unsent on close',
    breaks: 'C6',
    implies: ['C8', 'C9'],
    transport: channels((channel, { close }) => ({
      close(options?: object) {
        linkOf(channel).write = () => false
        return close(options)
      },
    })),
  },
  {
    name: 'calls a reset a clean end',
    breaks: 'C7',
    transport: pairOf((a, b) => {
      for (const channel of [a, b]) {
        const { events } = linkOf(channel)
        linkOf(channel).events = { ...events, end: () => events.end(), fail: () => {} }
      }
    }),
  },
  {
    name: 'throws away what was unread when the peer fails',
    breaks: 'C7',
    transport: pairOf((a, b) => {
      for (const channel of [a, b]) {
        const { events } = linkOf(channel)
        linkOf(channel).events = { ...events, fail: (error: StraitError) => events.end(error) }
      }
    }),
  },
  {
    name: 'makes a new error each time',
    breaks: 'C7',
    transport: channels((_, { receive }) => ({
      receive: (options?: object) =>
        receive(options).catch((error: StraitError) => {
          if (error.name === 'AbortError') throw error
          throw Object.assign(Object.create(Object.getPrototypeOf(error)), error, {
            name: error.name,
            message: error.message,
          })
        }),
    })),
  },
  {
    name: 'leaves receives waiting after close',
    breaks: 'C8',
    implies: ['C6', 'C9', 'C3', 'C11'],
    transport: channels((channel, { receive }) => ({
      receive: (options?: object) =>
        channel.state === 'open'
          ? receive(options).then((message) =>
              message === undefined && channel.state !== 'closed' ? new Promise(() => {}) : message,
            )
          : receive(options),
    })),
  },
  {
    name: 'may be closed only once',
    breaks: 'C8',
    implies: ['C6'],
    transport: channels((_, { close }) => {
      let closed = false
      return {
        close(options?: object) {
          if (closed) return Promise.reject(new Error('closed already'))
          closed = true
          return close(options)
        },
      }
    }),
  },
  {
    name: 'swallows a message when a receive is aborted',
    breaks: 'C9',
    implies: ['C8'],
    transport: channels((_, { receive }) => ({
      receive(options?: { signal?: AbortSignal }) {
        const signal = options?.signal
        if (signal === undefined || signal.aborted) return receive(options)
        signal.addEventListener('abort', () => void receive().catch(() => {}), { once: true })
        return receive(options)
      },
    })),
  },
  {
    name: 'sends in spite of an abort',
    breaks: 'C9',
    implies: ['C8', 'C6'],
    transport: channels((_, { send }) => ({
      send(message: Uint8Array, options?: { signal?: AbortSignal }) {
        const signal = options?.signal
        const sent = send(message)
        if (signal === undefined) return sent
        sent.catch(() => {})
        return new Promise((resolve, reject) => {
          const abort = () => send(message, { signal: AbortSignal.abort(signal.reason) }).catch(reject)
          if (signal.aborted) abort()
          signal.addEventListener('abort', abort, { once: true })
          sent.then(() => {
            signal.removeEventListener('abort', abort)
            resolve(undefined)
          }, reject)
        })
      },
    })),
  },
  {
    name: 'leaves listeners on the signal',
    breaks: 'C9',
    transport: channels((_, { receive }) => ({
      receive(options?: { signal?: AbortSignal }) {
        options?.signal?.addEventListener('abort', () => {})
        return receive(options)
      },
    })),
  },
  {
    name: 'closes when a loop is left',
    breaks: 'C9',
    transport: pairOf((a, b) => {
      for (const channel of [a, b]) {
        const iterate = channel[Symbol.asyncIterator].bind(channel)
        channel[Symbol.asyncIterator] = () => ({
          ...iterate(),
          return: async () => {
            channel.abort()
            return { done: true, value: undefined }
          },
        })
      }
    }),
  },
  {
    name: 'lets two listen at one name',
    breaks: 'C10',
    transport: named({
      listen: (url, options) =>
        mem.listen(url, options).catch((error) => {
          if (error.code !== 'ERR_STRAIT_ADDRESS_IN_USE') throw error
          return mem.listen(new URL(`${url.href}-too`), options)
        }),
    }),
  },
  {
    name: 'listens before it can be connected to',
    breaks: 'C10',
    implies: ['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8', 'C9', 'C11', 'C12', 'C13'],
    transport: named({
      async listen(url, options) {
        const listener = await mem.listen(url, options)
        await listener.close()
        setImmediate(() => {
          mem
            .listen(url, options)
            .then((late) => late.close())
            .catch(() => {})
        })
        return listener
      },
    }),
  },
  {
    name: 'accepts unknown parameters',
    breaks: 'C10',
    transport: named({
      listen: (url, options) => mem.listen(new URL(`mem:${url.pathname}`), options),
      connect: (url, options) => mem.connect(new URL(`mem:${url.pathname}`), options),
    }),
  },
  {
    name: 'leaves a descriptor behind with every channel',
    breaks: 'C11',
    transport: pairOf(leak),
  },
  {
    name: 'does not ask for the key',
    breaks: 'C13',
    // Who never looks at a key cannot refuse an empty one.
    implies: ['C10'],
    transport: named({
      listen: (url, { key: _, ...options } = {}) => mem.listen(url, options),
      connect: (url, { key: _, ...options } = {}) => mem.connect(url, options),
    }),
  },
]

const leaked: Socket[] = []

/** A socket that nobody closes, before the test is over. */
async function leak(): Promise<void> {
  const socket = createSocket('udp4')
  leaked.push(socket)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
}

export async function closeLeaked(): Promise<void> {
  await Promise.all(
    leaked.splice(0).map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
  )
}
