import { fork } from 'node:child_process'
import type { Lane } from '../lane.js'
import { Answers } from './answers.js'

/** `child_process`: `send` and `'message'`, with the serialization that keeps binary data binary. */
export async function childProcess(payloadBytes: number): Promise<Lane> {
  const name = 'child_process'
  const child = fork(new URL('./child-process-peer.js', import.meta.url), { serialization: 'advanced' })
  const answers = new Answers(name, child)
  child.on('message', (answer: Uint8Array) => answers.arrived(answer))
  return {
    name,
    payloadBytes,
    pid: child.pid,
    ask(message) {
      child.send(message)
      return answers.next()
    },
    // There is no `drain`: a full backlog has gone when the message that filled it has.
    send(message) {
      let left: (() => void) | undefined
      const room = child.send(message, () => left?.())
      return room ? undefined : new Promise<void>((resolve) => (left = resolve))
    },
    async close() {
      child.disconnect()
      await answers.exited
    },
  }
}
