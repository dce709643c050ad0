import { describe, expect, it } from 'vitest'
import { endpoint, type Scheme } from '../src/address.js'
import { ws, wss } from '../src/index.js'

const at = (address: string, scheme: Scheme = 'ws', operation: 'listen' | 'connect' = 'listen') =>
  endpoint(new URL(address), scheme, operation)
const invalid = expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' })

describe('C10 the address of a WebSocket', () => {
  it.each([
    ['ws://127.0.0.1:7000', { host: '127.0.0.1', port: 7000, path: '/' }],
    ['ws://127.0.0.1:0/chat', { host: '127.0.0.1', port: 0, path: '/chat' }],
    ['ws://localhost', { host: 'localhost', port: 80, path: '/' }],
    ['ws://localhost:80/', { host: 'localhost', port: 80, path: '/' }],
    ['ws://localhost:443', { host: 'localhost', port: 443, path: '/' }],
    ['ws://[::1]:65535/a/b', { host: '::1', port: 65535, path: '/a/b' }],
    ['ws://0.0.0.0:1/a%20b', { host: '0.0.0.0', port: 1, path: '/a%20b' }],
    ['ws://h:1/?', { host: 'h', port: 1, path: '/' }],
  ])('%s', (address, expected) => {
    expect(at(address)).toEqual(expected)
  })

  it('wss: has its own port', () => {
    expect(at('wss://localhost/x', 'wss')).toEqual({ host: 'localhost', port: 443, path: '/x' })
    expect(at('wss://localhost:80', 'wss').port).toBe(80)
  })

  it.each([
    'ws://me@127.0.0.1:7000',
    'ws://me:secret@127.0.0.1:7000',
    'ws://:secret@127.0.0.1:7000',
    'ws://127.0.0.1:7000/#here',
    'ws://127.0.0.1:7000/?colour=blue',
    'ws://127.0.0.1:7000/?=',
    'wss://127.0.0.1:7000',
    'http://127.0.0.1:7000',
    'tcp://127.0.0.1:7000',
  ])('%s is refused', (address) => {
    expect(() => at(address)).toThrow(invalid)
  })

  it('port 0 can be listened on and not connected to', () => {
    expect(at('ws://127.0.0.1:0').port).toBe(0)
    expect(() => at('ws://127.0.0.1:0', 'ws', 'connect')).toThrow(invalid)
  })

  it('wss: is never carried in the clear, nor ws: with a certificate', async () => {
    const plain = new URL('ws://127.0.0.1:1/')
    await expect(wss.connect(plain)).rejects.toEqual(invalid)
    await expect(wss.listen(plain, { tls: {} })).rejects.toEqual(invalid)
    await expect(ws.connect(plain, { tls: {} })).rejects.toThrow(TypeError)
    await expect(ws.listen(plain, { tls: {} })).rejects.toThrow(TypeError)
    await expect(wss.listen(new URL('wss://127.0.0.1:0/'))).rejects.toThrow(TypeError)
  })

  it('a spawned peer gets a path that nobody can guess', () => {
    const [one, other] = [ws.privateAddress(), ws.privateAddress()]
    expect(one.pathname).toMatch(/^\/[0-9a-f]{32}$/)
    expect(one.pathname).not.toBe(other.pathname)
  })
})
