import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import type { Ends } from './floor.js'
import type { Lane } from './lane.js'

/**
 * Where the two ends of a lane run. `free`: the kernel chooses, and changes its mind. Waking a peer on another core
 * costs several times what it costs on one's own, so free figures are a mixture of two.
 */
export const placements = ['different-cores', 'same-core', 'free'] as const
export type Placement = (typeof placements)[number]

/** The cores that this process may use; sched_getaffinity(2). */
export function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** The kernel's number of the calling thread; gettid(2). */
export const ownTid = (): number => Number(basename(readlinkSync('/proc/thread-self')))

/** Binds all threads of a process, or one, to cores; taskset(1). */
function bind(id: number, cores: readonly number[], which: 'process' | 'thread' = 'process'): boolean {
  const all = which === 'process' ? ['-a'] : []
  return spawnSync('taskset', [...all, '-c', '-p', cores.join(','), String(id)]).status === 0
}

/** Binds this process to cores, or in a worker this thread; what it starts from then on is bound too. */
export function bindSelf(cores: readonly number[]): void {
  if (isMainThread) bind(process.pid, cores)
  else bind(ownTid(), cores, 'thread')
}

type Peer = Pick<Lane, 'pid' | 'tid'>

/** Puts this process and its peers where they are to be measured. */
export class Placer {
  /** What could be done: one core leaves no choice, and without taskset(1) the kernel has it. */
  readonly placement: Placement
  /** That this process may use, when it is not placed. */
  readonly cores: readonly number[] = allowedCores()

  constructor(wanted: Placement = 'different-cores') {
    if (this.cores.length === 1) this.placement = 'same-core'
    else if (wanted === 'free' || !bind(process.pid, [this.cores[0]!])) this.placement = 'free'
    else this.placement = wanted
  }

  /** The cores of the two ends of a lane; undefined: the kernel chooses. */
  get ends(): Ends | undefined {
    if (this.placement === 'free') return undefined
    const [here, last] = [this.cores[0]!, this.cores.at(-1)!]
    return { here, peer: this.placement === 'same-core' ? here : last }
  }

  /** Places the other ends of lanes that are used at once: on all cores but ours, where they shall be different. */
  spread(lanes: readonly Peer[]): void {
    const cores = this.placement === 'different-cores' ? this.cores.slice(1).reverse() : [this.cores[0]!]
    for (const [index, lane] of lanes.entries()) this.place(lane, cores[index % cores.length])
  }

  /** Places the other end of a lane. */
  place({ pid, tid }: Peer, core = this.ends?.peer): void {
    if (core === undefined || this.placement === 'free') return
    if (pid !== undefined) bind(pid, [core])
    else if (tid !== undefined) bind(tid, [core], 'thread')
  }

  /** Gives this process its cores back. */
  release(): void {
    if (this.cores.length > 1 && this.placement !== 'free') bind(process.pid, this.cores)
  }
}
