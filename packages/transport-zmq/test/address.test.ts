import { parseAddress } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { endpoint, socketName } from '../src/address.js'
import { zmqIpc, zmqTcp } from '../src/index.js'

const invalid = expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' })
const at = (address: string, operation: 'listen' | 'connect' = 'listen') =>
  endpoint(parseAddress(address, operation), operation)
const name = (address: string) => socketName(parseAddress(address, 'listen'), 'listen')

describe('C10 the address of zmq+tcp:', () => {
  it.each([
    ['zmq+tcp://127.0.0.1:7000', { host: '127.0.0.1', port: 7000 }],
    ['zmq+tcp://localhost:1/', { host: 'localhost', port: 1 }],
    ['zmq+tcp://[::1]:65535', { host: '::1', port: 65535 }],
  ])('%s', (address, expected) => {
    expect(at(address)).toEqual(expected)
  })

  it.each([
    'zmq+tcp:',
    'zmq+tcp:127.0.0.1:7000',
    'zmq+tcp://:7000',
    'zmq+tcp://127.0.0.1',
    'zmq+tcp://127.0.0.1:7000/path',
    'zmq+tcp://127.0.0.1:65536',
    'zmq+tcp://127.0.0.1:*',
    'zmq+tcp://%zz:7000',
    'zmq+tcp://me@127.0.0.1:7000',
  ])('%s is refused', async (address) => {
    const refused = async () => zmqTcp.listen(parseAddress(address, 'listen'))
    await expect(refused()).rejects.toEqual(invalid)
  })

  it('port 0 can be listened on and not connected to', () => {
    expect(at('zmq+tcp://127.0.0.1:0').port).toBe(0)
    expect(() => at('zmq+tcp://127.0.0.1:0', 'connect')).toThrow(invalid)
  })
})

describe('C10 the address of zmq+ipc:', () => {
  it('is a path, or an abstract name', () => {
    expect(name('zmq+ipc:/run/app.sock')).toBe('/run/app.sock')
    expect(name('zmq+ipc:/a%20b')).toBe('/a b')
    expect(name('zmq+ipc:@jobs')).toBe('@jobs')
  })

  it.each([
    'zmq+ipc://run/x',
    'zmq+ipc:',
    'zmq+ipc:x',
    'zmq+ipc:/run/',
    'zmq+ipc:@',
    'zmq+ipc:@a/b',
    'zmq+ipc:*',
  ])('%s is refused', (address) => {
    expect(() => name(address)).toThrow(invalid)
  })

  it('107 bytes are a path, 108 are refused and never cut', () => {
    expect(name(`zmq+ipc:/${'x'.repeat(106)}`)).toHaveLength(107)
    expect(() => name(`zmq+ipc:/${'x'.repeat(107)}`)).toThrow(/108 bytes/)
  })

  it('unknown parameters are refused by name', async () => {
    await expect(zmqIpc.listen(new URL('zmq+ipc:/tmp/x?mode=1'))).rejects.toThrow(/'mode'/)
  })
})
