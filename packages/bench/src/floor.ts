import { Histogram } from './histogram.js'
import { startProgram } from './program.js'

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
  const { pids, ask, close } = await startProgram(name, program, [mechanism, payloadBytes, ...cores])
  return {
    name,
    pids,
    async run(ms) {
      const durations = new Histogram()
      for (const ns of (await ask(`run ${ms}`)).split(' ')) durations.record(Number(ns))
      return durations
    },
    close,
  }
}
