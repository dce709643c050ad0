import { type BenchOptions, bench, type Progress } from './bench.js'
import type { Plan, Results, Row } from './results.js'

/** All that is measured, in the order of the rows. */
const SECTIONS: readonly Omit<BenchOptions, 'onProgress'>[] = [
  { modes: ['hot'], peers: true, floor: true },
  { modes: ['hot'], urls: ['shm:?wait=spin', 'shm:?wait=park'], floor: true },
  { modes: ['sync', 'leased'], peers: true, floor: true },
  { modes: ['paced'], peers: true, floor: true },
  { modes: ['parked'], peers: true, floor: true },
  { modes: ['hot'], placement: 'same-core', peers: true, floor: true },
  { modes: ['hot'], payloads: [1024, 65_536, 1_048_576], peers: true, floor: true },
  { modes: [], connections: true, fanIn: 4, peers: true },
]

/** Of what is quoted first, and of the rest. */
const PLANS: readonly [Plan, Plan] = [
  { warmUpMs: 1000, repeats: 15, stretches: 2, stretchMs: 15 },
  { warmUpMs: 400, repeats: 10, stretches: 1, stretchMs: 15 },
]

/** To see that it works: one size, and those beside in the first section alone. */
const QUICK: Plan = { warmUpMs: 30, repeats: 2, stretches: 1, stretchMs: 5 }

export interface ReferenceOptions {
  readonly quick?: boolean | undefined
  readonly onProgress?: ((progress: Progress & { section: number; sections: number }) => void) | undefined
}

/** The whole table: every mode, placement, size and wait strategy of every transport, with floors and peers beside. */
export async function benchReference({ quick, onProgress }: ReferenceOptions = {}): Promise<Results> {
  const parts: Results[] = []
  const sections = quick ? SECTIONS.filter(({ payloads }) => payloads === undefined) : SECTIONS
  for (const [index, section] of sections.entries()) {
    const plan = quick ? QUICK : PLANS[index === 0 ? 0 : 1]
    const less = quick ? { peers: index === 0 } : {}
    parts.push(
      await bench({
        ...section,
        ...less,
        plan,
        onProgress: (progress) =>
          onProgress?.({ ...progress, section: index + 1, sections: sections.length }),
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
    notes: all(({ notes }) => notes),
    peersMissing: all(({ peersMissing }) => peersMissing),
  }
}

/** On one core every placement is the same, and a row is there once. */
function unique(rows: readonly Row[]): Row[] {
  const key = ({ url, peer, mode, placement, payloadBytes }: Row) =>
    JSON.stringify([url, peer, mode, placement, payloadBytes])
  return [...new Map(rows.map((row) => [key(row), row])).values()]
}
