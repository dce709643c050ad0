import { describe, expect, it } from 'vitest'
import { byteRate, duration, integer, rate } from '../dist/format.js'
import { table } from '../dist/table.js'

const columns = [
  { head: 'name', align: 'left' as const, cell: (row: string) => row },
  { head: 'size', cell: (row: string) => String(row.length) },
  { head: 'twice', cell: (row: string) => row + row, dispensable: 1 },
]

describe('a table', () => {
  it('sets words left and figures right', () => {
    expect(table(columns.slice(0, 2), ['a', 'abc'], 80).split('\n')).toEqual([
      '  name  size',
      '  a        1',
      '  abc      3',
    ])
  })

  it('drops what is dispensable where it is too wide', () => {
    expect(table(columns, ['abc'], 80)).toContain('twice')
    expect(table(columns, ['abc'], 15)).not.toContain('twice')
  })
})

describe('figures', () => {
  it('have a unit that suits', () => {
    expect([1, 999, 1000, 45_200, 1_260_000, 2e9].map(duration)).toEqual([
      '1.00 ns',
      '999 ns',
      '1.00 µs',
      '45.2 µs',
      '1.26 ms',
      '2.00 s',
    ])
    expect([12, 19_500, 1.71e6].map(rate)).toEqual(['12.0 /s', '19.5 k/s', '1.71 M/s'])
    expect(byteRate(1.09e8)).toBe('109 MB/s')
    expect(integer(1048576)).toBe('1,048,576')
  })
})
