import { ws } from '@strait/transport-ws'

declare const document: { querySelector(selector: string): { textContent: string } }
declare const location: { host: string }
declare const prompt: (question: string) => string

const url = new URL(`ws://${location.host}/echo`)
const channel = await ws.connect(url, { key: prompt('What is the key?') })
await channel.send(new TextEncoder().encode('hello from a page'))
document.querySelector('output').textContent = new TextDecoder().decode(await channel.receive())
await channel.close()
