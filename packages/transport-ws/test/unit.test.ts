import { Kind } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { LONGEST_UNIT, parseUnit, unitText } from '../src/unit.js'

describe('a unit that is no message', () => {
  it.each([
    [Kind.END, [], 'END'],
    [Kind.PING, [], 'PING'],
    [Kind.PONG, [], 'PONG'],
    [Kind.CREDIT, [0, 0, 1, 0], 'CREDIT 00000100'],
    [Kind.HELLO, [0x53, 0x54, 0xff], 'HELLO 5354ff'],
    [Kind.HELLO, [], 'HELLO'],
  ] as const)('%s with [%s] is %s, and back', (kind, bytes, text) => {
    const payload = Uint8Array.from(bytes)
    expect(unitText(kind, payload)).toBe(text)
    expect(parseUnit(text)).toEqual({ kind, payload })
  })

  it.each([
    '',
    ' ',
    'end',
    'END ',
    ' END',
    'END\n',
    'END END',
    'DATA',
    'DATA 00',
    'HELLO 5',
    'HELLO 5354FF',
    'HELLO  53',
    'HELLO 53 54',
    'HELLO 0x53',
    'HELLO 5g',
    'NOISE 00',
    '{"type":"HELLO"}',
    'toString',
    '__proto__',
  ])('%j is none', (text) => {
    expect(Object.values(Kind)).not.toContain(parseUnit(text).kind)
  })

  it('may be as long as a greeting in one piece, and not longer', () => {
    expect(parseUnit(`HELLO ${'00'.repeat(1024)}`).payload).toHaveLength(1024)
    expect(`HELLO ${'00'.repeat(1024)}`).toHaveLength(LONGEST_UNIT)
    expect(parseUnit(`HELLO ${'00'.repeat(1025)}`).payload).toHaveLength(0)
  })
})
