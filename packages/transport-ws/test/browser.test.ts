import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { json, typed, WINDOW } from '@strait/core'
import { build } from 'esbuild'
import { type Browser, chromium, type Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ws } from '../src/index.js'
import type { Page } from './support/page.js'

const CHROMIUM = '/usr/bin/chromium'
const COUNT = process.env.STRAIT_SOAK ? 1_000_000 : 20_000
const SIZE = 16
/** What a message costs of the window; see the wire format. */
const COST = SIZE + 32
const code = (name: string) => `ERR_STRAIT_${name}`
const checksum = (message: Uint8Array, sum: number) => message.reduce((a, byte) => (a * 31 + byte) | 0, sum)

let browser: Browser
let server: Server
let origin: string
let paths = 0

/** Calls a function of support/page.ts in a tab. */
function call<N extends keyof Page>(tab: Tab, name: N, ...args: Parameters<Page[N]>) {
  return tab.evaluate(
    ([name, args]) =>
      (globalThis as unknown as { strait: Record<string, (...args: unknown[]) => unknown> }).strait[name]!(
        ...args,
      ),
    [name, args] as [string, unknown[]],
  ) as Promise<Awaited<ReturnType<Page[N]>>>
}

/** A tab with a channel to this process. */
async function couple(options: { key?: string } = {}) {
  const listener = await ws.listen(new URL(`ws://127.0.0.1:0/${paths++}`), { server, ...options })
  const tab = await browser.newPage()
  await tab.goto(origin)
  const [, there] = await Promise.all([call(tab, 'connect', listener.url.href, options), listener.accept()])
  await listener.close()
  return { tab, channel: there! }
}

describe.skipIf(!existsSync(CHROMIUM))(`a page in Chromium (needs ${CHROMIUM})`, () => {
  beforeAll(async () => {
    const bundle = await build({
      entryPoints: [fileURLToPath(new URL('support/page.ts', import.meta.url))],
      bundle: true,
      format: 'iife',
      platform: 'browser',
      write: false,
    })
    const script = bundle.outputFiles[0]!.text
    server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(`<!doctype html><script>${script}</script>`)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const flags = [
      ...['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking'],
      ...['disable-component-update', 'disable-sync'],
    ]
    browser = await chromium.launch({ executablePath: CHROMIUM, args: flags.map((flag) => `--${flag}`) })
  })

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
  })

  it('C1 echoes every size, byte for byte, and ends cleanly when this end closes', async () => {
    const { tab, channel } = await couple()
    const echoing = call(tab, 'echo')
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 300_000, 3_000_000]) {
      const message = new Uint8Array(size).map((_, index) => index * 7)
      await channel.send(message)
      expect(Buffer.compare((await channel.receive())!, message)).toBe(0)
    }
    await channel.close()
    expect(await channel.closed).toEqual({ by: 'local' })
    expect(await echoing).toBe('peer')
    await tab.close()
  })

  it('C6 talks in JSON, with a key, and ends cleanly when the page closes', async () => {
    const { tab, channel } = await couple({ key: 'open sesame' })
    const talking = call(tab, 'talk')
    const values = typed(channel, json)
    expect(await values.receive()).toEqual({ question: 6 })
    await values.send({ answer: 42 })
    expect(await values.receive()).toBeUndefined()
    expect(await talking).toEqual({ answer: 42 })
    expect(await channel.closed).toEqual({ by: 'peer' })
    expect(await call(tab, 'closed')).toEqual({ by: 'local', code: undefined })
    await tab.close()
  })

  it('C10 C13 is told why it does not come to a channel, as far as a browser knows', async () => {
    const tab = await browser.newPage()
    await tab.goto(origin)
    const listener = await ws.listen(new URL('ws://127.0.0.1:0/chat'), { server, key: 'right' })
    const elsewhere = await ws.listen(new URL('ws://127.0.0.1:0/chat'))
    expect(await call(tab, 'connect', listener.url.href, { key: 'wrong' })).toEqual({
      code: code('AUTH_FAILED'),
    })
    expect(await call(tab, 'connect', listener.url.href)).toEqual({ code: code('AUTH_FAILED') })
    expect(await call(tab, 'connect', new URL('/nowhere', listener.url).href)).toEqual({
      code: code('REFUSED'),
    })
    expect(await call(tab, 'connect', 'ws://127.0.0.1:1/')).toEqual({ code: code('REFUSED') })
    expect(await call(tab, 'connect', elsewhere.url.href)).toEqual({ code: code('REFUSED') })
    expect(await call(tab, 'connect', 'http://127.0.0.1/')).toEqual({ code: code('ADDRESS_INVALID') })
    expect(await call(tab, 'connectAborted', listener.url.href)).toEqual({ code: code('ABORTED') })
    await Promise.all([listener.close(), elsewhere.close(), tab.close()])
  })

  it('C7 notices a peer that aborts, and is noticed when its tab is closed', async () => {
    const first = await couple()
    const receiving = call(first.tab, 'receive')
    first.channel.abort()
    expect(await receiving).toEqual({ code: code('RESET') })
    const aborting = await couple()
    await call(aborting.tab, 'abort')
    await expect(aborting.channel.receive()).rejects.toMatchObject({ code: code('RESET') })
    const killed = await couple()
    await killed.tab.close()
    await expect(killed.channel.receive()).rejects.toMatchObject({ code: code('RESET') })
    await Promise.all([first.tab.close(), aborting.tab.close()])
  })

  it(`C4 ${COUNT} messages to a slow reader here: never more than the window ahead, nothing lost`, async () => {
    const { tab, channel } = await couple()
    const sending = call(tab, 'sendMany', COUNT, SIZE)
    let read = 0
    let sum = 0
    for await (const message of channel) {
      sum = checksum(message, sum)
      expect(new DataView(message.buffer, message.byteOffset).getUint32(0)).toBe(read)
      read++
      if (read % (COUNT / 20) !== 0) continue
      const { progress, heap } = await call(tab, 'progress')
      // One message crosses the line, and one is in the channel's hand.
      expect((progress - read) * COST).toBeLessThanOrEqual(WINDOW + 2 * COST)
      if (read % (COUNT / 2) === 0) report(`page to Node, ${read} read, ${progress - read} ahead`, heap)
    }
    expect(read).toBe(COUNT)
    expect(await sending).toBe(sum)
    await channel.close()
    await tab.close()
  })

  it(`C4 ${COUNT} messages to a slow page: never more than the window ahead, nothing lost`, async () => {
    const { tab, channel } = await couple()
    const reading = call(tab, 'readMany')
    let sum = 0
    for (let sent = 0; sent < COUNT; sent++) {
      const message = new Uint8Array(SIZE)
      new DataView(message.buffer).setUint32(0, sent)
      sum = checksum(message, sum)
      if (!channel.trySend(message)) await channel.send(message)
      if (sent % (COUNT / 20) !== 0) continue
      await call(tab, 'pause')
      while (channel.trySend(message)) {
        sum = checksum(message, sum)
        sent++
      }
      const { progress, heap } = await call(tab, 'progress')
      expect((sent + 1 - progress) * COST).toBeLessThanOrEqual(WINDOW + 2 * COST)
      if (sent % (COUNT / 2) < COUNT / 20)
        report(`Node to page, ${progress} read, ${sent + 1 - progress} ahead`, heap)
      await call(tab, 'resume')
    }
    await channel.close()
    expect(await reading).toBe(sum)
    await tab.close()
  })
})

const MIB = 1024 * 1024

function report(what: string, heap: number | undefined): void {
  const rss = Math.round(process.memoryUsage().rss / MIB)
  console.log(`${what}; memory: Node ${rss} MiB resident, page ${Math.round((heap ?? 0) / MIB)} MiB of heap`)
}
