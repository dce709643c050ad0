import { fileURLToPath } from 'node:url'
import { startProgram } from '../program.js'
import type { ContestLane, PairLane } from './lane.js'

const PYTHON = fileURLToPath(new URL('../../../../benchmarks/peers/multiprocessing_lock.py', import.meta.url))

/** A program that speaks as benchmarks/floors/locks.c. */
export interface LockProgram {
  readonly name: string
  readonly mode: string
  readonly command: string
  readonly args: readonly string[]
}

/** `program` is what `buildFloors` made. */
export const inC = (program: string, kind: 'plain' | 'robust'): LockProgram => ({
  name: 'pthread_mutex',
  mode: kind === 'robust' ? 'robust, process-shared' : 'plain',
  command: program,
  args: ['lock', kind],
})

export const inPython: LockProgram = {
  name: 'multiprocessing.Lock',
  mode: 'acquire',
  command: 'python3',
  args: [PYTHON],
}

/** On a core, if one is given. */
export async function pairsByProgram(program: LockProgram, core: number | undefined): Promise<PairLane> {
  const { name, mode } = program
  const { pids, ask, close } = await start(program, 0, core === undefined ? [] : [core])
  return {
    name,
    mode,
    pids,
    async pairs(ms) {
      const [count, ns] = numbers(await ask(`pairs ${ms}`))
      return { count: count!, ns: ns! }
    },
    close,
  }
}

/** Its processes on the cores, in turns, if some are given. */
export async function contestByProgram(
  program: LockProgram,
  sides: number,
  cores: readonly number[],
): Promise<ContestLane> {
  const { name, mode } = program
  const { pids, ask, close } = await start(program, sides, cores)
  return {
    name,
    mode,
    sides,
    by: 'processes',
    pids,
    async contend(ms) {
      const [count, ns, ...figures] = numbers(await ask(`contend ${ms}`))
      const shares = Array.from({ length: sides }, (_, at) => ({
        sections: figures[2 * at]!,
        longestNs: figures[2 * at + 1]!,
      }))
      return { count: count!, ns: ns!, shares }
    },
    close,
  }
}

const start = ({ name, command, args }: LockProgram, sides: number, cores: readonly number[]) =>
  startProgram(name, command, [...args, sides, ...cores])

const numbers = (line: string): number[] => line.split(' ').map(Number)
