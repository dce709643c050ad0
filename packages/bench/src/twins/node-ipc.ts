import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Lane } from '../lane.js'
import { Answers } from './answers.js'
import { onMessages } from './boundaries.js'
import { asBuffer } from './buffers.js'
import { type NodeIpc, newNodeIpc } from './node-ipc-library.js'

const PEER = fileURLToPath(new URL('./node-ipc-peer.js', import.meta.url))

/** node-ipc, or what is like it, over a Unix socket. `module` is below benchmarks/peers. */
export async function nodeIpc(name: string, module: string, payloadBytes: number): Promise<Lane> {
  const ipc = await newNodeIpc(module)
  const directory = await mkdtemp(join(tmpdir(), 'strait-bench-'))
  try {
    const path = join(directory, 'socket')
    await listenAt(path, ipc)
    const connected = new Promise<Socket>((resolve) => ipc.server.on('connect', resolve))
    const child = spawn(process.execPath, [PEER, module, path, String(payloadBytes)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const answers = new Answers(name, child)
    const failed = answers.exited.then(() => answers.next())
    const socket = (await Promise.race([connected, failed])) as Socket
    onMessages(ipc.server, payloadBytes, (answer) => answers.arrived(answer))
    return lane(name, ipc, socket, answers, child.pid, payloadBytes)
  } finally {
    ipc.server.server.close()
    await rm(directory, { recursive: true })
  }
}

async function listenAt(path: string, ipc: NodeIpc): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    ipc.serve(path, resolve)
    ipc.server.on('error', reject)
    ipc.server.start()
  })
}

function lane(
  name: string,
  ipc: NodeIpc,
  socket: Socket,
  answers: Answers,
  pid: number | undefined,
  payloadBytes: number,
): Lane {
  ipc.server.on('error', (error: Error) => answers.failed(error))
  return {
    name,
    payloadBytes,
    pid,
    ask(message) {
      ipc.server.emit(socket, asBuffer(message))
      return answers.next()
    },
    // It does not wait itself, and a message that has to stays with the socket, so each is a copy.
    send(message) {
      ipc.server.emit(socket, Buffer.from(message))
      return socket.writableNeedDrain ? once(socket, 'drain') : undefined
    },
    receive: () => answers.next(),
    async close() {
      socket.end()
      await answers.exited
    },
  }
}
