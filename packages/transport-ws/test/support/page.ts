// What runs in the page. Bundled with the condition `browser`, as a page's own bundler would.
import { type BaseChannel, json, typed } from '@strait/core'
import { ws } from '@strait/transport-ws'

type Outcome = { code: string | undefined }

let channel: BaseChannel
let progress = 0
let paused: { promise: Promise<void>; resume(): void } | undefined

const outcome = (promise: Promise<unknown>): Promise<Outcome> =>
  promise.then(
    () => ({ code: undefined }),
    (error) => ({ code: error.code ?? String(error) }),
  )

const checksum = (message: Uint8Array, sum: number) => message.reduce((a, byte) => (a * 31 + byte) | 0, sum)

const page = {
  connect: (url: string, options = {}) =>
    outcome(
      ws.connect(new URL(url), options).then((connected) => {
        channel = connected
      }),
    ),
  connectAborted: (url: string) => {
    const controller = new AbortController()
    const connecting = outcome(ws.connect(new URL(url), { signal: controller.signal }))
    controller.abort()
    return connecting
  },
  async echo() {
    for await (const message of channel) await channel.send(message)
    return (await channel.closed).by
  },
  async talk() {
    const values = typed(channel, json)
    await values.send({ question: 6 })
    const answer = await values.receive()
    await values.close()
    return answer
  },
  close: () => outcome(channel.close()),
  closed: async () => {
    const { by, error } = await channel.closed
    return { by, code: error?.code }
  },
  abort: () => channel.abort(),
  receive: () => outcome(channel.receive()),

  /** The campaign. What is sent and read is counted, and can be stopped to look at. */
  progress: () => ({
    progress,
    heap: (performance as { memory?: { usedJSHeapSize: number } }).memory?.usedJSHeapSize,
  }),
  pause() {
    let resume = () => {}
    const promise = new Promise<void>((resolve) => {
      resume = resolve
    })
    paused = { promise, resume }
  },
  resume() {
    paused?.resume()
    paused = undefined
  },
  async sendMany(count: number, size: number) {
    let sum = 0
    progress = 0
    for (; progress < count; progress++) {
      const message = new Uint8Array(size)
      new DataView(message.buffer).setUint32(0, progress)
      sum = checksum(message, sum)
      if (!channel.trySend(message)) await channel.send(message)
    }
    await channel.close()
    return sum
  },
  async readMany() {
    let sum = 0
    progress = 0
    for await (const message of channel) {
      sum = checksum(message, sum)
      progress++
      if (paused !== undefined) await paused.promise
    }
    return sum
  },
}

export type Page = typeof page
Object.assign(globalThis, { strait: page })
