import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Lane } from '../lane.js'
import { Answers } from './answers.js'

const BYTES_PER_TURN = 64 * 1024

/** `worker_threads`: a MessageChannel to a worker, with `postMessage` and `'message'`. */
export async function messagePort(payloadBytes: number): Promise<Lane> {
  const name = 'MessagePort'
  const { port1: port, port2 } = new MessageChannel()
  const worker = new Worker(new URL('./message-port-peer.js', import.meta.url), {
    workerData: port2,
    transferList: [port2],
  })
  const answers = new Answers(name, worker)
  const [tid] = await Promise.race([once(port, 'message'), answers.exited.then(() => answers.next())])
  port.on('message', (answer: Uint8Array) => answers.arrived(answer))
  let posted = 0
  return {
    name,
    payloadBytes,
    pid: undefined,
    tid,
    ask(message) {
      port.postMessage(message)
      return answers.next()
    },
    // A port is never full, and says nothing of what was read: all that one can do is to let the loop turn sometimes.
    send(message) {
      port.postMessage(message)
      posted += message.length
      if (posted < BYTES_PER_TURN) return undefined
      posted = 0
      return new Promise((resolve) => setImmediate(resolve))
    },
    receive: () => answers.next(),
    async close() {
      port.close()
      await answers.exited
    },
  }
}
