import type { ConnectionRow, FanInRow, Results } from '@strait/bench'
import { duration, rate } from '../format.js'
import { type Column, table } from '../table.js'
import { paint, width } from '../terminal.js'

const name = ({ url, peer }: { readonly url: string; readonly peer?: string }) =>
  peer === undefined ? paint.bold(url) : paint.dim(`  ${peer}`)

/** Before a figure whose repeats lie too far apart. */
const mark = ({ noisy }: { readonly noisy: boolean }) => (noisy ? '≈ ' : '')

const CONNECTIONS: readonly Column<ConnectionRow>[] = [
  { head: '', align: 'left', cell: name },
  {
    head: 'connect',
    cell: (row) => (row.connectNs === null ? '–' : mark(row) + duration(row.connectNs.p50)),
  },
  { head: 'first answer', cell: ({ firstMessageNs }) => median(firstMessageNs) },
  { head: 'spawn', cell: (row) => (row.connectNs === null ? mark(row) : '') + median(row.spawnNs) },
]

const FAN_IN: readonly Column<FanInRow>[] = [
  { head: '', align: 'left', cell: name },
  { head: 'each way', cell: (row) => mark(row) + rate(row.messagesPerSecond) },
  { head: 'to one peer', cell: ({ ratioToOne }) => `${ratioToOne.toFixed(2)} ×` },
  { head: 'least share', cell: ({ smallestShare }) => `${(100 * smallestShare).toFixed(0)} %` },
]

/** What `strait bench` prints of connecting and of several peers; empty where neither was measured. */
export function othersPage({ connections, fanIn }: Pick<Results, 'connections' | 'fanIn'>): string {
  const parts: string[] = []
  if (connections.length > 0) {
    parts.push(
      paint.bold('To begin: until a channel is open, until its first answer; until a new process answers'),
      table(CONNECTIONS, connections, width()),
    )
  }
  const [first] = fanIn
  if (first !== undefined) {
    parts.push(
      paint.bold(`${first.peers} peers at once, ${first.payloadBytes} bytes`),
      table(FAN_IN, fanIn, width()),
    )
  }
  return parts.map((part) => `${part}\n`).join('\n')
}

const median = (quantiles: { readonly p50: number } | null) =>
  quantiles === null ? '–' : duration(quantiles.p50)
