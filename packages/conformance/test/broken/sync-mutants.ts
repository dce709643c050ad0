import { type BaseChannel, BlockingChannel, mem, type SyncChannel, type Transport } from '@strait/core'
import { linkOf, type Mutant } from './mutants.js'

/** So often a thread is blocked in vain before it counts as blocked for ever, and for how long at a time, in ms. */
const FOR_EVER = 200
const PAUSE = 1

type Spoil = (channel: SyncChannel, original: Pick<SyncChannel, 'sendSync' | 'receiveSync'>) => object

const sleep = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** A pair of `mem:` whose ends can block, although nothing can happen meanwhile but that time passes. */
export function syncMem(spoil: Spoil = () => ({}), capabilities: object = {}): Transport<BaseChannel> {
  const all = { ...mem.capabilities, maxMessageSize: 2 ** 20, sync: true, ...capabilities }
  return {
    schemes: ['mem'],
    capabilities: all,
    async pair(options) {
      const ends = await mem.pair({ maxMessageSize: 2 ** 20, ...options })
      const [a, b] = ends.map((end) => {
        let vain = 0
        const wait = (_reading: boolean, ms: number) => {
          if (++vain > FOR_EVER) throw new Error('blocked for ever')
          sleep(Math.min(ms, PAUSE))
        }
        const link = Object.assign(linkOf(end), { wait })
        const channel = new BlockingChannel(link, { url: end.url, capabilities: all })
        const sendSync = channel.sendSync.bind(channel)
        const receiveSync = channel.receiveSync.bind(channel)
        return Object.assign(channel, spoil(channel, { sendSync, receiveSync }))
      })
      return [a!, b!]
    },
  }
}

/** What an error of a spoiled call becomes. */
function unless<T>(call: () => T, code: string, otherwise: (error: unknown) => T): T {
  try {
    return call()
  } catch (error) {
    if ((error as { code?: unknown }).code !== `ERR_STRAIT_${code}`) throw error
    return otherwise(error)
  }
}

export const SYNC_MUTANTS: Mutant[] = [
  {
    name: 'never runs out of time',
    breaks: 'C9',
    implies: ['C8'],
    transport: syncMem((_, { sendSync, receiveSync }) => ({
      sendSync: (message: Uint8Array) => sendSync(message),
      receiveSync: () => receiveSync(),
    })),
  },
  {
    name: 'runs out of time too early',
    breaks: 'C9',
    transport: syncMem((_, { receiveSync }) => ({
      receiveSync: ({ timeout }: { timeout?: number } = {}) =>
        receiveSync({ timeout: timeout === undefined ? timeout : timeout / 4 }),
    })),
  },
  {
    name: 'takes the end of its time for the end of the channel',
    breaks: 'C9',
    implies: ['C8'],
    transport: syncMem((_, { receiveSync }) => ({
      receiveSync: (options?: object) =>
        unless(
          () => receiveSync(options),
          'TIMEOUT',
          () => undefined,
        ),
    })),
  },
  {
    name: 'loses the next message when its time is over',
    breaks: 'C9',
    transport: syncMem((channel, { receiveSync }) => ({
      receiveSync: (options?: object) =>
        unless(
          () => receiveSync(options),
          'TIMEOUT',
          (error) => {
            void channel.receive().catch(() => {})
            throw error
          },
        ),
    })),
  },
  {
    name: 'sends in spite of the end of its time',
    breaks: 'C9',
    transport: syncMem((channel, { sendSync }) => ({
      sendSync: (message: Uint8Array, options?: object) =>
        unless(
          () => sendSync(message, options),
          'TIMEOUT',
          (error) => {
            void channel.send(message).catch(() => {})
            throw error
          },
        ),
    })),
  },
  {
    name: 'swallows the end while it is blocked',
    breaks: 'C6',
    implies: ['C8'],
    transport: syncMem((_, { receiveSync }) => ({
      receiveSync(options?: object) {
        const message = receiveSync(options)
        if (message === undefined) throw new Error('blocked for ever')
        return message
      },
    })),
  },
  {
    name: 'takes a reset for the clean end while it is blocked',
    breaks: 'C7',
    transport: syncMem((_, { receiveSync }) => ({
      receiveSync: (options?: object) =>
        unless(
          () => receiveSync(options),
          'RESET',
          () => undefined,
        ),
    })),
  },
  {
    name: 'goes on using the buffer when sendSync has returned',
    breaks: 'C3',
    implies: ['C1', 'C6', 'C7', 'C9'],
    transport: syncMem((channel, { sendSync }) => ({
      sendSync(message: Uint8Array, options?: object) {
        if (channel.state !== 'open' || !(message.length > 1 && message.length < 50_000))
          return sendSync(message, options)
        queueMicrotask(() => void channel.send(message).catch(() => {}))
      },
    })),
  },
  {
    name: 'takes a time that is none',
    breaks: 'C9',
    transport: syncMem((_, { sendSync, receiveSync }) => {
      const some = ({ timeout }: { timeout?: number } = {}) =>
        timeout === undefined ? {} : { timeout: timeout > 0 ? timeout : 0 }
      return {
        sendSync: (message: Uint8Array, options?: object) => sendSync(message, some(options)),
        receiveSync: (options?: object) => receiveSync(some(options)),
      }
    }),
  },
  {
    name: 'can block although it says that it cannot',
    breaks: 'C12',
    transport: syncMem(undefined, { sync: false }),
  },
]

/** `mem:` whose ends say who is at the other one. */
export function vouching(peer: object | undefined, peerCredentials: boolean): Transport<BaseChannel> {
  return {
    schemes: ['mem'],
    capabilities: { ...mem.capabilities, peerCredentials },
    async pair(options) {
      const ends = await mem.pair(options)
      for (const end of ends) Object.defineProperty(end, 'peer', { value: peer })
      return ends
    },
  }
}

const SELF = { pid: process.pid, uid: process.geteuid!(), gid: process.getegid!() }

export const PEER_MUTANTS: Mutant[] = [
  { name: 'lies about the pid', breaks: 'C13', transport: vouching({ ...SELF, pid: SELF.pid + 1 }, true) },
  { name: 'vouches for nobody in spite of its word', breaks: 'C13', transport: vouching(undefined, true) },
  { name: 'vouches although it says that it cannot', breaks: 'C13', transport: vouching(SELF, false) },
]

export const HONEST: [string, Transport<BaseChannel>][] = [
  ['whose ends can block', syncMem()],
  ['that vouches', vouching(SELF, true)],
]
