import { peerSchemes } from 'strait'
import { type BenchOptions, bench, type Progress } from './bench.js'
import type { Plan, Results, Row } from './results.js'

/** Of what is quoted first, and of what runs alone, so that nothing tells the pace of the machine. */
const FIRST: Plan = { warmUpMs: 1000, repeats: 15, stretches: 10, stretchMs: 5 }
const REST: Plan = { warmUpMs: 400, repeats: 15, stretches: 4, stretchMs: 5 }
/** In 5 ms there are too few rounds of what sleeps in between, or is large, and nothing of a crowd. */
const LONGER: Plan = { warmUpMs: 400, repeats: 12, stretches: 3, stretchMs: 12 }

/** To see that it works: one size, and those beside in the first section alone. */
const QUICK: Plan = { warmUpMs: 30, repeats: 2, stretches: 1, stretchMs: 5 }

/** Without choices there are no other ways to wait. Beside what parks, others are measured again for the pace. */
const WAITS: readonly BenchOptions[] = [
  { modes: ['hot'], urls: ['shm:?wait=park', 'shm:', 'pipe:'], floor: true },
  { modes: ['hot'], urls: ['shm:?wait=spin'], floor: true, plan: FIRST },
]

/** All that is measured, in the order of the rows. */
const sections = (waits: boolean): readonly BenchOptions[] => [
  { modes: ['hot'], peers: true, floor: true, plan: FIRST },
  ...(waits ? WAITS : []),
  { modes: ['sync', 'leased'], peers: true, floor: true },
  { modes: ['paced'], peers: true, floor: true },
  { modes: ['parked'], peers: true, floor: true, plan: LONGER },
  { modes: ['hot'], placement: 'same-core', peers: true, floor: true },
  { modes: ['hot'], payloads: [1024, 65_536], peers: true, floor: true },
  { modes: ['hot'], payloads: [1_048_576], peers: true, floor: true, plan: LONGER },
  { modes: [], connections: true, fanIn: 4, peers: true, plan: LONGER },
]

export interface ReferenceOptions {
  readonly quick?: boolean | undefined
  readonly onProgress?: ((progress: Progress & { section: number; sections: number }) => void) | undefined
}

/** The whole table: every mode, placement, size and wait strategy of every transport, with floors and peers beside. */
export async function benchReference({ quick, onProgress }: ReferenceOptions = {}): Promise<Results> {
  const parts: Results[] = []
  const whole = sections((await peerSchemes()).includes('shm'))
  const chosen = quick ? whole.filter(({ payloads }) => payloads === undefined) : whole
  for (const [index, section] of chosen.entries()) {
    const plan = quick ? QUICK : (section.plan ?? REST)
    const less = quick ? { peers: index === 0 } : {}
    parts.push(
      await bench({
        ...section,
        ...less,
        plan,
        onProgress: (progress) => onProgress?.({ ...progress, section: index + 1, sections: chosen.length }),
      }),
    )
  }
  return join(parts)
}

function join(parts: readonly Results[]): Results {
  const all = <T>(of: (part: Results) => readonly T[]) => [...new Set(parts.flatMap(of))]
  return {
    ...parts[0]!,
    rows: unique(all(({ rows }) => rows)),
    connections: all(({ connections }) => connections),
    fanIn: all(({ fanIn }) => fanIn),
    parts: parts.flatMap((part) => part.parts),
    peersMissing: all(({ peersMissing }) => peersMissing),
  }
}

/** What was measured again is there once, as it was first; on one core every placement is the same. */
function unique(rows: readonly Row[]): Row[] {
  const key = ({ url, peer, mode, placement, payloadBytes }: Row) =>
    JSON.stringify([url, peer, mode, placement, payloadBytes])
  const first = new Map<string, Row>()
  for (const row of rows) if (!first.has(key(row))) first.set(key(row), row)
  return [...first.values()]
}
