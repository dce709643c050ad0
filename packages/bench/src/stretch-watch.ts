import { readFileSync } from 'node:fs'
import { began, now } from './clock.js'
import type { Lane } from './lane.js'
import { ownTid } from './placement.js'
import { SelfWatch, type Span } from './self-report.js'

/** What happened to one end in a stretch; absent is what it does not tell. */
export interface EndSeen {
  /** Garbage collections. */
  readonly collections?: readonly Span[] | undefined
  /** How often the kernel took the core from its thread, which had work. */
  readonly preemptions?: number | undefined
  /** How long its thread had work and no core, in ns. */
  readonly waitedNs?: number | undefined
  readonly parks?: number | undefined
}

/** What happened in one stretch, beside the round trips. */
export interface Seen {
  readonly here: EndSeen
  /** Undefined where the peer is this thread. */
  readonly peer: EndSeen | undefined
}

/** Watches both ends of a lane for one stretch. Nothing is looked at in between. */
export class StretchWatch {
  readonly #lane: Lane
  readonly #self: SelfWatch
  readonly #threads: readonly [here: string, peer: string | undefined]
  readonly #before: readonly (ThreadCount | undefined)[]
  readonly #from: number

  private constructor(lane: Lane) {
    this.#lane = lane
    this.#self = new SelfWatch(() => lane.parks?.())
    this.#threads = threadsOf(lane)
    this.#before = this.#threads.map(countThread)
    this.#self.begin()
    this.#from = began + now()
  }

  /** Lets the peer begin anew; the stretch begins when this resolves. */
  static async begin(lane: Lane): Promise<StretchWatch> {
    await lane.report?.()
    return new StretchWatch(lane)
  }

  /** The stretch has ended when this is called. */
  async end(): Promise<Seen> {
    const span = { from: this.#from, to: began + now() }
    const ownReport = this.#self.report()
    // Asked at once: a peer that waits too long for it parks.
    const peerReport = this.#lane.report?.()
    const counts = this.#threads.map(countThread)
    const reports = [await ownReport, await peerReport]
    this.#self.close()
    const [here, peer] = reports.map((report, end) => ({
      collections: report?.collections.filter((collection) => overlap(collection, span)),
      parks: report?.parks,
      ...difference(counts[end], this.#before[end]),
    }))
    return { here: here!, peer: this.#threads[1] === undefined ? undefined : peer }
  }
}

export function overlap(a: Span, b: Span): boolean {
  return a.from < b.to && b.from < a.to
}

/** Where the kernel tells of the threads of both ends. */
function threadsOf({ pid, tid }: Lane): [string, string | undefined] {
  const own = ownTid()
  const here = `/proc/${process.pid}/task/${own}`
  if (pid === undefined && (tid === undefined || tid === own)) return [here, undefined]
  return [here, `/proc/${pid ?? process.pid}/task/${tid ?? pid}`]
}

interface ThreadCount {
  readonly preemptions: number | undefined
  readonly waitedNs: number | undefined
}

/** proc_pid_status(5), and schedstat, whose second number is the time on the run queue. */
function countThread(directory: string | undefined): ThreadCount | undefined {
  if (directory === undefined) return undefined
  const preemptions = /^nonvoluntary_ctxt_switches:\s*(\d+)/m.exec(readIfThere(`${directory}/status`))?.[1]
  const waitedNs = readIfThere(`${directory}/schedstat`).split(' ')[1]
  return { preemptions: numberOf(preemptions), waitedNs: numberOf(waitedNs) }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text))

function difference(after: ThreadCount | undefined, before: ThreadCount | undefined): ThreadCount {
  const minus = (a?: number, b?: number) => (a === undefined || b === undefined ? undefined : a - b)
  return {
    preemptions: minus(after?.preemptions, before?.preemptions),
    waitedNs: minus(after?.waitedNs, before?.waitedNs),
  }
}
