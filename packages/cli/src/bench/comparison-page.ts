import type { Change, Comparison, Row } from '@strait/bench'
import { duration, integer } from '../format.js'
import { type Column, table } from '../table.js'
import { paint, width } from '../terminal.js'

const name = ({ url, peer, mode, payloadBytes }: Row) => `${peer ?? url} ${mode} ${integer(payloadBytes)} B`

const COLUMNS: readonly Column<Change>[] = [
  { head: '', align: 'left', cell: ({ after }) => name(after) },
  { head: 'before', cell: ({ before }) => duration(before.rttNs.p50) },
  { head: 'now', cell: ({ after }) => duration(after.rttNs.p50) },
  { head: 'ratio', cell: ({ ratio }) => `${ratio.toFixed(2)} ×` },
  { head: 'noise', cell: ({ noise }) => `${(100 * noise).toFixed(0)} %`, dispensable: 1 },
  { head: '', align: 'left', cell: ({ verdict }) => verdict },
]

/** What `strait bench --against` prints: what changed beyond noise, and which rows have no other. */
export function comparisonPage({ machine, shift, changes, added, missing }: Comparison): string {
  const changed = changes.filter(({ verdict }) => verdict !== 'same')
  const lines = [
    ...machine.map((difference) => paint.bold(`another machine: ${difference}`)),
    ...(shift === null ? [] : [`What is not ours takes ${shift.toFixed(2)} × as long; ratios are to that.`]),
    `${changes.length - changed.length} of ${changes.length} medians are the same but for noise.`,
  ]
  if (changed.length > 0) lines.push('', table(COLUMNS, changed, width()))
  for (const row of added) lines.push(`new: ${name(row)}`)
  for (const row of missing) lines.push(`not measured now: ${name(row)}`)
  return `${lines.join('\n')}\n`
}
