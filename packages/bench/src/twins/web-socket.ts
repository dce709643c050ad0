import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Lane } from '../lane.js'
import { Answers } from './answers.js'

const PEER = fileURLToPath(new URL('./web-socket-peer.js', import.meta.url))

/** Beyond so many bytes a sender waits until what it sent last has left. */
const BUFFERED = 64 * 1024

/** `ws` over TCP on the loopback, without compression. */
export async function webSocket(payloadBytes: number): Promise<Lane> {
  const name = 'ws'
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const child = spawn(process.execPath, [PEER, String(port)], { stdio: ['ignore', 'inherit', 'inherit'] })
  const answers = new Answers(name, child)
  const failed = answers.exited.then(() => answers.next())
  const [socket] = (await Promise.race([once(server, 'connection'), failed]).finally(() =>
    server.close(),
  )) as [WebSocket]
  socket.on('message', (answer: Buffer) => answers.arrived(answer))
  socket.on('error', (error) => answers.failed(error))
  return {
    name,
    payloadBytes,
    pid: child.pid,
    ask(message) {
      socket.send(message)
      return answers.next()
    },
    // A message that has to wait stays with the socket, so each is a copy.
    send(message) {
      if (socket.bufferedAmount < BUFFERED) {
        socket.send(message.slice())
        return undefined
      }
      return new Promise<void>((resolve) => socket.send(message.slice(), () => resolve()))
    },
    receive: () => answers.next(),
    async close() {
      socket.close()
      await answers.exited
    },
  }
}
