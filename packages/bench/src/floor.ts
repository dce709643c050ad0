import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Histogram } from './histogram.js'

/** The mechanism in C that carries what the transport of a scheme carries, where there is one. */
export const floorMechanisms: Readonly<Record<string, string>> = {
  pipe: 'pipe',
  fifo: 'fifo',
  seqpacket: 'seqpacket',
  unix: 'unix',
  shm: 'spin',
  mq: 'mq',
  'sysv-mq': 'sysv-mq',
  sem: 'sem',
  signal: 'signal',
}

/** The cores of the two ends. */
export interface Ends {
  readonly here: number
  readonly peer: number
}

/** Two processes in C that make round trips when they are told to, and are blocked in between. */
export interface Floor {
  readonly name: string
  /** Of both processes; the copy alone needs no peer. */
  readonly pids: readonly number[]
  /** Makes round trips, one at a time, for so many ms and at least one. Rejects when a payload was damaged. */
  run(ms: number): Promise<Histogram>
  /** Ends both processes and waits until they are gone. */
  close(): Promise<void>
}

/** `program` is what {@link buildFloors} made. Without `ends` the kernel chooses the cores. */
export async function openFloor(
  program: string,
  mechanism: string,
  payloadBytes: number,
  ends?: Ends,
): Promise<Floor> {
  const name = `${mechanism} in C`
  const cores = ends === undefined ? [] : [ends.here, ends.peer]
  const child = spawn(program, [mechanism, payloadBytes, ...cores].map(String))
  const closed = once(child, 'close')
  closed.catch(() => {})
  // That nobody reads is told by the answer that does not come.
  child.stdin.on('error', () => {})
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  async function answer(): Promise<string> {
    const line = await lines.next()
    if (!line.done) return line.value
    await closed
    throw new Error(`${name}: ${complaint.trim() || 'it has ended'}`)
  }

  const [, ...pids] = (await answer()).split(' ').map(Number)
  return {
    name,
    pids,
    async run(ms) {
      child.stdin.write(`run ${ms}\n`)
      const durations = new Histogram()
      for (const ns of (await answer()).split(' ')) durations.record(Number(ns))
      return durations
    },
    async close() {
      child.stdin.end()
      await closed
    },
  }
}
