import { parseAddress } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { socketAddress } from '../src/address.js'
import { unix } from '../src/index.js'

const parse = (address: string) => socketAddress(parseAddress(address, 'listen'), 'listen')
const path = (address: string) => {
  const parsed = parse(address)
  return parsed.kind === 'path' ? parsed.path : undefined
}
const name = (address: string) => {
  const parsed = parse(address)
  return parsed.kind === 'abstract' ? new TextDecoder().decode(parsed.name) : undefined
}
const invalid = expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' })

describe('C10 the address of a Unix socket', () => {
  it('a host is refused with a hint', () => {
    expect(() => path('unix://run/x')).toThrow(/unix:\/run\/x/)
    expect(() => path('unix://run/x')).toThrow(invalid)
  })

  it.each([
    'unix://@x',
    'unix://@/x',
    'unix:',
    'unix:x',
    'unix:run/x',
    'unix:/',
    'unix:/run/',
    'unix://',
    'unix:/a%2f',
    'unix:@',
    'unix:@%00',
  ])('%s is refused', (address) => {
    expect(() => path(address)).toThrow(invalid)
  })

  it('behind @ stands an abstract name, of exactly its own length', () => {
    expect(name('unix:@x')).toBe('x')
    expect(name('unix:@a/b%20c/')).toBe('a/b c/')
    expect(name(`unix:@${'x'.repeat(107)}`)).toHaveLength(107)
    expect(() => parse(`unix:@${'x'.repeat(108)}`)).toThrow(/108 bytes/)
  })

  it('107 bytes are a path, 108 are refused and never cut', () => {
    expect(path(`unix:/${'x'.repeat(106)}`)).toHaveLength(107)
    expect(() => path(`unix:/${'x'.repeat(107)}`)).toThrow(/108 bytes/)
    expect(() => path(`unix:/${'é'.repeat(54)}`)).toThrow(/109 bytes/)
  })

  it.each(['listen', 'connect'] as const)('%s refuses them, and unknown parameters', async (operation) => {
    for (const address of ['unix://run/x', `unix:/${'x'.repeat(107)}`, 'unix:/tmp/x?mode=1']) {
      const error = await unix[operation](new URL(address)).then(
        () => undefined,
        (error) => error,
      )
      expect(error).toEqual(invalid)
      expect(error.operation).toBe(operation)
    }
  })
})
