import Table from 'cli-table3'
import { paint } from './terminal.js'

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string
  /** Words stand left, figures right. Default: right. */
  readonly align?: 'left' | 'right'
  /** Left out where the table would be wider than the terminal; the highest number first. */
  readonly dispensable?: number
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Lays rows out in columns, as many as the width allows. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string {
  const text = layOut(columns, rows)
  const widest = Math.max(...text.split('\n').map(visibleLength))
  const [first] = columns
    .filter(({ dispensable }) => dispensable !== undefined)
    .sort((a, b) => b.dispensable! - a.dispensable!)
  if (widest <= width || first === undefined) return text
  return table(
    columns.filter((column) => column !== first),
    rows,
    width,
  )
}

function layOut<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const layout = new Table({
    head: columns.map(({ head }) => paint.dim(head)),
    colAligns: columns.map(({ align = 'right' }) => align),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) layout.push(columns.map(({ cell }) => cell(row)))
  return layout
    .toString()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n')
}

function visibleLength(line: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what colours are made of
  return line.replace(/\x1b\[\d*m/g, '').length
}
