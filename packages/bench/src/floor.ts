import { Histogram } from './histogram.js'
import type { Mode, Pause } from './mode.js'
import { startProgram } from './program.js'

/** The mechanism in C that carries what the transport of a scheme carries, where there is one. */
export const floorMechanisms: Readonly<Record<string, string>> = {
  pipe: 'pipe',
  fifo: 'fifo',
  seqpacket: 'seqpacket',
  unix: 'unix',
  // Node's channel to a child is such a socket.
  fork: 'unix',
  tcp: 'tcp',
  ws: 'tcp',
  wss: 'tcp',
  shm: 'spin',
  // Threads share memory, and wake each other.
  worker: 'futex',
  mq: 'mq',
  'sysv-mq': 'sysv-mq',
  sem: 'sem',
  signal: 'signal',
}

/** What a transport is held against in a mode. */
export function floorMechanism(scheme: string, mode: Mode): string | undefined {
  // Without a copy of a message of its own, one copy.
  if (mode === 'leased') return 'memcpy'
  // Who spins does not sleep before a question; who shares memory and does, is woken.
  if (mode === 'parked' && scheme === 'shm') return 'futex'
  return floorMechanisms[scheme]
}

/** The cores of the two ends. */
export interface Ends {
  readonly here: number
  readonly peer: number
}

/** Two processes, without Node, that make round trips when they are told to, and are blocked in between. */
export interface Floor {
  readonly name: string
  /** Of both processes; the copy alone needs no peer. */
  readonly pids: readonly number[]
  /** Makes round trips, one at a time, for so many ms and at least one. Rejects when a payload was damaged. */
  run(ms: number, pause?: Pause): Promise<Histogram>
  /** Ends both processes and waits until they are gone. */
  close(): Promise<void>
}

/** `program` is what {@link buildFloors} made. Without `ends` the kernel chooses the cores. */
export const openFloor = (
  program: string,
  mechanism: string,
  payloadBytes: number,
  ends?: Ends,
): Promise<Floor> =>
  openRounds({ name: `${mechanism} in C`, command: program, args: [mechanism] }, payloadBytes, ends)

/** A program that makes rounds: benchmarks/floors/floor.h says which arguments and lines it understands. */
export interface RoundsProgram {
  /** Stands in errors. */
  readonly name: string
  readonly command: string
  /** Before the size of a message and the cores. */
  readonly args: readonly string[]
}

export async function openRounds(
  { name, command, args }: RoundsProgram,
  payloadBytes: number,
  ends?: Ends,
): Promise<Floor> {
  const cores = ends === undefined ? [] : [ends.here, ends.peer]
  const { pids, ask, close } = await startProgram(name, command, [...args, payloadBytes, ...cores])
  return {
    name,
    pids,
    async run(ms, pause) {
      const line = pause === undefined ? `run ${ms}` : `run ${ms} ${pause.us} ${pause.how}`
      const durations = new Histogram()
      for (const ns of (await ask(line)).split(' ')) durations.record(Number(ns))
      return durations
    },
    close,
  }
}
