import { schemeOf } from 'strait'
import { isNoisy } from './doubts.js'
import { canFlood, flood } from './flood.js'
import type { Lane } from './lane.js'
import { Samples } from './locks/samples.js'
import type { Placer } from './placement.js'
import type { FanInRow, Plan } from './results.js'
import type { Moved } from './throughput.js'

/** What has several peers. */
export interface Crowd {
  readonly url: string
  readonly peers: number
  readonly payloadBytes: number
  /** The name of the twin that the lanes are of. */
  readonly peer?: string
  open(payloadBytes: number): Promise<Lane>
}

const rounded = (value: number) => Number(value.toPrecision(4))
const rate = ({ messages, ns }: Moved) => messages / (ns / 1e9)

/** Floods all peers at once and one of them alone, in turns. Undefined: its lanes take one question at a time. */
export async function measureFanIn(crowd: Crowd, plan: Plan, placer: Placer): Promise<FanInRow | undefined> {
  const { url, peers, payloadBytes } = crowd
  const lanes: Lane[] = []
  const [all, one] = [new Samples(), new Samples()]
  const answered = new Array<number>(peers).fill(0)
  try {
    for (let peer = 0; peer < peers; peer++) lanes.push(await crowd.open(payloadBytes))
    const floodable = lanes.filter(canFlood)
    if (floodable.length < peers) return undefined
    placer.spread(lanes)
    await flood(floodable, plan.warmUpMs / 2)
    for (let repeat = 0; repeat < plan.repeats; repeat++) {
      all.begin()
      one.begin()
      for (let stretch = 0; stretch < plan.stretches; stretch++) {
        const flooded = await flood(floodable, plan.stretchMs)
        for (const [peer, share] of flooded.shares.entries()) answered[peer]! += share
        all.add(rate(flooded))
        one.add(rate(await flood(floodable.slice(0, 1), plan.stretchMs)))
      }
    }
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()))
  }
  const spread = all.spread()
  return {
    url,
    scheme: schemeOf(url, 'bench'),
    ...(crowd.peer === undefined ? {} : { peer: crowd.peer }),
    spread: rounded(spread),
    noisy: isNoisy(spread),
    peers,
    payloadBytes,
    messagesPerSecond: Math.round(all.median()),
    ratioToOne: rounded(all.median() / one.median()),
    smallestShare: rounded(Math.min(...answered) / answered.reduce((sum, share) => sum + share, 0)),
  }
}
