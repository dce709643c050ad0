import { fork } from 'node:child_process'
import type { Lane } from '../lane.js'
import { Answers } from './answers.js'
import { serializations } from './serializations.js'

/** `child_process`: `send` and `'message'`, by one of Node's two serializations. */
export async function childProcess(
  serialization: keyof typeof serializations,
  payloadBytes: number,
): Promise<Lane> {
  const name = `child_process, ${serialization}`
  const { toValue, fromValue } = serializations[serialization]
  const entry = new URL('./child-process-peer.js', import.meta.url)
  const child = fork(entry, [serialization], { serialization })
  const answers = new Answers(name, child)
  child.on('message', (answer) => answers.arrived(fromValue(answer)))
  return {
    name,
    payloadBytes,
    pid: child.pid,
    ask(message) {
      child.send(toValue(message))
      return answers.next()
    },
    // There is no `drain`: a full backlog has gone when the message that filled it has.
    send(message) {
      let left: (() => void) | undefined
      const room = child.send(toValue(message), () => left?.())
      return room ? undefined : new Promise<void>((resolve) => (left = resolve))
    },
    receive: () => answers.next(),
    async close() {
      child.disconnect()
      await answers.exited
    },
  }
}
