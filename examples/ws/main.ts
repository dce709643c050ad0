import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type BaseChannel, connect, json, type Listener, listen, type StraitError, typed } from 'strait'

// Your own HTTP server goes on serving what it serves.
const server = createServer((_request, response) => response.end('a page of mine'))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const at = (path: string) => `ws://127.0.0.1:${port}${path}`

// Two listeners at two paths of it, each with a key of its own.
const echo = await listen(at('/echo'), { server, key: 'echo, please' })
const sums = await listen(at('/sum'), { server, key: 'open sesame' })
void answerAll(echo, async (channel) => {
  for await (const message of channel) await channel.send(message)
})
void answerAll(sums, async (channel) => {
  const numbers = typed<number, number[]>(channel, json)
  for await (const list of numbers) await numbers.send(list.reduce((sum, number) => sum + number, 0))
})

async function answerAll(listener: Listener<BaseChannel>, answer: (channel: BaseChannel) => Promise<void>) {
  for await (const channel of listener) void answer(channel)
}

const text = new TextDecoder()
const first = await connect(at('/echo'), { key: 'echo, please' })
await first.send(new TextEncoder().encode('hello'))
console.log(`/echo says ${text.decode(await first.receive())}`)

const second = typed<number[], number>(await connect(at('/sum'), { key: 'open sesame' }), json)
await second.send([1, 2, 3, 4])
console.log(`/sum says ${await second.receive()}`)

const refusal = (address: string, options: object) =>
  connect(address, options).catch(({ code }: StraitError) => code)
console.log(`no key: ${await refusal(at('/sum'), {})}`)
console.log(`no such path: ${await refusal(at('/nothing'), {})}`)

// What a browser says of a page that comes from elsewhere; only pages of this server may connect.
const foreign = { headers: { origin: 'http://elsewhere.example' } }
console.log(`a page from elsewhere: ${await refusal(at('/echo'), foreign)}`)

const page = await fetch(`http://127.0.0.1:${port}/`)
console.log(`over plain HTTP: ${await page.text()}`)

await Promise.all([first.close(), second.close()])
await Promise.all([echo.close(), sums.close()])
server.close()
server.closeAllConnections()
