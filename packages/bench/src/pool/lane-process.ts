import { fileURLToPath } from 'node:url'
import { startProgram } from '../program.js'
import { latencyOf } from './lane.js'
import type { kinds, OpenLane } from './lanes.js'

/** What the program says of its lane. */
export interface About {
  readonly name: string
  readonly mode: string
  /** What it can do besides `one`. */
  readonly also: readonly string[]
}

const PROGRAM = fileURLToPath(new URL('./lane-program.js', import.meta.url))

/** A lane in a process of its own: what others have had compiled, or have left as garbage, is not there. */
export const inProcess =
  (kind: keyof typeof kinds, mode = ''): OpenLane =>
  async (workers) => {
    const { pids, ask, close } = await startProgram(kind, process.execPath, [PROGRAM, kind, mode, workers])
    const about: About = JSON.parse(await ask('about'))
    const number = async (line: string) => Number(await ask(line))
    const can = (what: string) => about.also.includes(what)
    return {
      name: about.name,
      mode: about.mode,
      workers,
      pids,
      one: async (count) => latencyOf(await ask(`one ${count}`)),
      ...(can('batch') ? { batch: (count) => number(`batch ${count}`) } : {}),
      ...(can('fib') ? { fib: (n, count) => number(`fib ${n} ${count}`) } : {}),
      ...(can('echo') ? { echo: (bytes, count) => number(`echo ${bytes} ${count}`) } : {}),
      close,
    }
  }
