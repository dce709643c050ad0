import { peerSchemes, schemeOf } from 'strait'
import type { BenchOptions } from './bench.js'
import { beginStrait, Connecting } from './connections.js'
import { doubts } from './doubts.js'
import { type Crowd, measureFanIn } from './fan-in.js'
import { ifThere } from './open-runs.js'
import { Pace } from './pace.js'
import { refuse } from './part.js'
import { Placer } from './placement.js'
import type { ConnectionRow, FanInRow, Measured, Part, Plan } from './results.js'
import { straitLane } from './strait-lane.js'
import { findTwins } from './twins/index.js'

/** What is measured beside the rows. */
export interface Others {
  readonly connections: readonly ConnectionRow[]
  readonly fanIn: readonly FanInRow[]
  readonly parts: readonly Part[]
}

export async function measureOthers(
  options: BenchOptions,
  plan: Plan,
  missing: Set<string>,
): Promise<Others> {
  const urls = options.urls ?? (await peerSchemes()).map((scheme) => `${scheme}:`)
  const placer = new Placer(options.placement)
  try {
    const all = options.connections ? await measureConnections(urls, plan, placer) : []
    const pace = new Pace(all.map((connecting) => connecting.repeats()))
    const connecting = partOf(
      'connecting',
      all.map((each) => each.row(pace)),
      pace.spread(),
    )
    const crowds = options.fanIn ? await measureCrowds(crowdsOf(urls, options), plan, placer, missing) : []
    // One after the other: nothing tells the pace.
    const fanIn = partOf(`${options.fanIn} peers at once`, crowds, null)
    const parts = [connecting, fanIn].filter(({ rows }) => rows.length > 0).map(({ part }) => part)
    return { connections: connecting.rows, fanIn: fanIn.rows, parts }
  } finally {
    placer.release()
  }
}

function partOf<R extends Measured>(what: string, rows: readonly R[], paceSpread: number | null) {
  const spreads = rows.map(({ spread, peer, url }) => ({ ratio: spread, what: peer ?? url }))
  return refuse(rows, { what, paceSpread, notes: doubts(0, spreads, paceSpread) })
}

async function measureConnections(
  urls: readonly string[],
  plan: Plan,
  placer: Placer,
): Promise<Connecting[]> {
  const all: Connecting[] = []
  try {
    for (const url of urls) {
      const beginning = await beginStrait(url)
      all.push(new Connecting(beginning))
      if (beginning.pid !== undefined) placer.place({ pid: beginning.pid })
    }
    for (let repeat = 0; repeat < plan.repeats; repeat++) {
      for (const connecting of all) await connecting.repeat(plan)
    }
    return all
  } finally {
    await Promise.all(all.map((connecting) => connecting.close()))
  }
}

/** Ours, each with its twins behind it. */
function crowdsOf(urls: readonly string[], { fanIn = 0, peers, payloads = [64] }: BenchOptions): Crowd[] {
  const payloadBytes = payloads[0]!
  return urls.flatMap((url) => {
    const common = { url, peers: fanIn, payloadBytes }
    const ours = { ...common, open: (size: number) => straitLane(url, size) }
    const twins = peers ? findTwins(schemeOf(url, 'bench'), payloadBytes) : []
    return [ours, ...twins.map(({ name, open }) => ({ ...common, peer: name, open }))]
  })
}

async function measureCrowds(crowds: readonly Crowd[], plan: Plan, placer: Placer, missing: Set<string>) {
  const rows: FanInRow[] = []
  for (const crowd of crowds) {
    await ifThere(crowd.peer ?? crowd.url, missing, async () => {
      const row = await measureFanIn(crowd, plan, placer)
      if (row !== undefined) rows.push(row)
    })
  }
  return rows
}
