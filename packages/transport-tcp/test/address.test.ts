import { parseAddress } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { endpoint } from '../src/address.js'
import { tcp } from '../src/index.js'

const at = (address: string, operation: 'listen' | 'connect' = 'listen') =>
  endpoint(parseAddress(address, operation), operation)
const invalid = expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' })

describe('C10 the address of a TCP socket', () => {
  it.each([
    ['tcp://127.0.0.1:7000', { host: '127.0.0.1', port: 7000 }],
    ['tcp://localhost:1/', { host: 'localhost', port: 1 }],
    ['tcp://[::1]:65535', { host: '::1', port: 65535 }],
    ['tcp://0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  ])('%s', (address, expected) => {
    expect(at(address)).toEqual(expected)
  })

  it.each([
    'tcp:',
    'tcp://',
    'tcp:127.0.0.1:7000',
    'tcp:/127.0.0.1:7000',
    'tcp://:7000',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:',
    'tcp://[::1]',
    'tcp://127.0.0.1:7000/path',
    'tcp://127.0.0.1:65536',
    'tcp://127.0.0.1:-1',
    'tcp://127.0.0.1:0x50',
    'tcp://::1:7000',
    'tcp://%zz:7000',
    'tcp://a%00b:7000',
    'tcp://me@127.0.0.1:7000',
  ])('%s is refused', (address) => {
    expect(() => at(address)).toThrow(invalid)
  })

  it('port 0 can be listened on and not connected to', () => {
    expect(at('tcp://127.0.0.1:0').port).toBe(0)
    expect(() => at('tcp://127.0.0.1:0', 'connect')).toThrow(invalid)
  })

  it('unknown parameters are refused by name', async () => {
    for (const operation of ['listen', 'connect'] as const)
      await expect(tcp[operation](new URL('tcp://127.0.0.1:7000?nodelay=1'))).rejects.toThrow(/'nodelay'/)
  })
})
