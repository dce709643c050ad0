import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Lane } from '../lane.js'
import { Answers } from './answers.js'
import { onMessages } from './boundaries.js'

const PEER = fileURLToPath(new URL('./socket-peer.js', import.meta.url))

/** `net` over a Unix stream socket, as Node hands it to a child: what `unix:` does for a spawned peer. */
export async function netUnix(payloadBytes: number): Promise<Lane> {
  const child = spawn(process.execPath, [PEER, String(payloadBytes)], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  const name = 'net, Unix socket'
  return socketLane(name, child.stdio[3] as Socket, child, new Answers(name, child), payloadBytes)
}

/** `net` over TCP on the loopback, without delay. */
export async function netTcp(payloadBytes: number): Promise<Lane> {
  const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const child = spawn(process.execPath, [PEER, String(payloadBytes), String(port)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const answers = new Answers('net, TCP', child)
  const failed = answers.exited.then(() => answers.next())
  try {
    const [socket] = (await Promise.race([once(server, 'connection'), failed])) as [Socket]
    return socketLane('net, TCP', socket, child, answers, payloadBytes)
  } finally {
    server.close()
  }
}

function socketLane(
  name: string,
  socket: Socket,
  child: ChildProcess,
  answers: Answers,
  payloadBytes: number,
): Lane {
  onMessages(socket, payloadBytes, (answer) => answers.arrived(answer))
  socket.on('error', (error) => answers.failed(error))
  return {
    name,
    payloadBytes,
    pid: child.pid,
    ask(message) {
      socket.write(message)
      return answers.next()
    },
    // A message that has to wait stays with the socket, so each is a copy.
    send: (message) => (socket.write(message.slice()) ? undefined : once(socket, 'drain')),
    receive: () => answers.next(),
    async close() {
      socket.end()
      await answers.exited
    },
  }
}
