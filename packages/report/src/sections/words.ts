import type { Mode, Placement, Row } from '@strait/bench'
import { bytes, duration } from '../format.js'
import type { Situation } from '../lanes.js'
import type { Sign } from '../section.js'
import type { Column } from '../table.js'

export const MODES: Readonly<Record<Mode, string>> = {
  hot: 'hot',
  paced: 'paced, 100 µs of computing before each question',
  parked: 'parked, both ends asleep before each question',
  sync: 'sync, both ends block their threads',
  leased: 'leased, written and read in place',
}

export const PLACEMENTS: Readonly<Record<Placement, string>> = {
  'different-cores': 'different cores',
  'same-core': 'one core for both',
  free: 'wherever the kernel puts them',
}

/** `64 B, hot, different cores`. */
export const describe = ({ payloadBytes, mode, placement }: Situation): string =>
  `${bytes(payloadBytes)}, ${mode}, ${PLACEMENTS[placement]}`

/** Of charts in which each lane has one colour. */
export const LANE_SIGNS: readonly Sign[] = [
  { glyph: '●', colour: 'var(--shm)', means: 'shared memory' },
  { glyph: '●', colour: 'var(--ours)', means: 'other transports' },
  { glyph: '○', colour: 'var(--peer)', means: 'other programs over the same mechanism' },
]

/** Of panels with one transport in front. */
export const PANEL_SIGNS: readonly Sign[] = [
  { glyph: '━', colour: 'var(--ours)', means: 'the transport of the panel' },
  { glyph: '╍', colour: 'var(--peer)', means: 'other programs over the same mechanism' },
  { glyph: '━', colour: 'var(--context)', means: 'all other transports' },
]

export const QUANTILES: readonly Column<Row>[] = (
  [
    ['p50', 'p50'],
    ['p90', 'p90'],
    ['p99', 'p99'],
    ['p99.9', 'p999'],
    ['max', 'max'],
    ['mean', 'mean'],
  ] as const
).map(([head, quantile]) => ({ head, cell: ({ rttNs }) => duration(rttNs[quantile]) }))
