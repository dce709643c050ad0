import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Router } from 'zeromq'
import type { Lane } from '../lane.js'
import { Answers } from './answers.js'

const PEER = fileURLToPath(new URL('./zeromq-peer.js', import.meta.url))

/** `zeromq`: a ROUTER here, a DEALER in the peer, which is what many peers at one address take. */
async function routerDealer(address: string, name: string, payloadBytes: number): Promise<Lane> {
  // Mandatory: a full queue makes `send` wait; without it a ROUTER drops what is too much, and says nothing.
  const router = new Router({ mandatory: true, linger: 0 })
  await router.bind(address)
  const child = spawn(process.execPath, [PEER, router.lastEndpoint!], {
    // A DEALER waits for ever for a ROUTER that is gone; the end of its stdin tells it.
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  const answers = new Answers(name, child)
  const failed = answers.exited.then(() => {
    router.close()
    return answers.next()
  })
  failed.catch(() => {})
  const [id] = (await Promise.race([router.receive(), failed])) as [Buffer]
  void (async () => {
    for await (const [, answer] of router) answers.arrived(answer!)
  })().catch((error) => answers.failed(error))
  return {
    name,
    payloadBytes,
    pid: child.pid,
    ask(message) {
      router.send([id, message]).catch((error) => answers.failed(error))
      return answers.next()
    },
    // Large messages are sent from where they are, so each is one of its own.
    send: (message) => router.send([id, message.slice()]),
    receive: () => answers.next(),
    async close() {
      // Two parts, which no other message has. A peer that was killed cannot be reached, and need not be.
      if (!router.closed) await router.send([id, '', '']).catch(() => {})
      await answers.exited
    },
  }
}

export const zeroMq = {
  tcp: (payloadBytes: number) => routerDealer('tcp://127.0.0.1:*', 'zeromq, TCP', payloadBytes),
  // An abstract name leaves no file.
  ipc: (payloadBytes: number) =>
    routerDealer(`ipc://@strait-bench-${process.pid}-${++lanes}`, 'zeromq, ipc', payloadBytes),
}

let lanes = 0
