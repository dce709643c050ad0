import { StraitError } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { LISTENER_NAME, placeOf } from '../src/address.js'
import { failure } from './support/ends.js'

const place = (address: string) => placeOf(new URL(address), 'connect', 1000)
const fails = (address: string, words: string) =>
  expect(() => place(address), address).toThrowError(failure('ADDRESS_INVALID', words))

describe('C10 a name', () => {
  it('becomes an abstract name with the user and the scheme in it, of exactly its own length', () => {
    expect(place('fifo:jobs')).toEqual({
      kind: 'abstract',
      name: 'strait/1000/fifo/jobs',
      address: new Uint8Array(Buffer.from('\0strait/1000/fifo/jobs')),
    })
    expect(place('sysv-mq:A.b_c-9')).toMatchObject({ name: 'strait/1000/sysv-mq/A.b_c-9' })
  })

  it('differs with the user, the scheme and the name', () => {
    const names = [
      placeOf(new URL('fifo:a'), 'connect', 0),
      placeOf(new URL('fifo:a'), 'connect', 1),
      placeOf(new URL('mq:a'), 'connect', 0),
      placeOf(new URL('fifo:b'), 'connect', 0),
    ].map((each) => each.kind === 'abstract' && each.name)
    expect(new Set(names).size).toBe(4)
  })

  it('has 1 to 64 characters of a few kinds, and the longest still fits into an address', () => {
    const longest = place(`fifo:${'x'.repeat(64)}`)
    expect(longest.kind === 'abstract' && longest.address.length).toBeLessThanOrEqual(108)
    for (const name of ['', 'x'.repeat(65), 'a/b', '/a', 'ä', 'a%00', 'a%2Fb', 'a:b', '%20', '//host/a'])
      fails(`fifo:${name}`, '')
  })

  it('has no parameters but `at`, and that once', () => {
    fails('fifo:a?mode=600', "unknown parameter 'mode'")
    fails('fifo:a?at=/x&at=/y', 'stands twice')
    fails('fifo:a?at=/x&key=secret', "unknown parameter 'key'")
  })
})

describe('C10 ?at=', () => {
  const at = (path: string) => place(`fifo:jobs?at=${path}`)

  it('names the socket file', () => {
    expect(at('/run/app.sock')).toEqual({ kind: 'file', path: '/run/app.sock' })
  })

  it('is percent-decoded once, and a plus is a plus', () => {
    expect(at('/run/a%20b%2541')).toEqual({ kind: 'file', path: '/run/a b%41' })
    expect(at('/srv/c++/app.sock')).toEqual({ kind: 'file', path: '/srv/c++/app.sock' })
    expect(at('/run/%C3%A4')).toEqual({ kind: 'file', path: '/run/ä' })
    fails('fifo:jobs?at=/run/%FF', 'percent-encoding')
    fails('fifo:jobs?at=/run/%zz', 'percent-encoding')
  })

  it('is an absolute path to a file, without dot segments or zero bytes', () => {
    for (const path of ['', 'run/app.sock', '%2E/app']) fails(`fifo:jobs?at=${path}`, 'absolute path')
    fails('fifo:jobs?at=/run/', 'slash')
    fails('fifo:jobs?at=/', 'slash')
    fails('fifo:jobs?at=/run/a%00b', 'zero byte')
    for (const path of ['/run/../app', '/run/./app', '/run/%2e%2E/app', '/..', '/run/..'])
      fails(`fifo:jobs?at=${path}`, 'dot segments')
    expect(at('/run/..app')).toEqual({ kind: 'file', path: '/run/..app' })
  })

  it('has at most 107 bytes, as bytes', () => {
    expect(at(`/${'x'.repeat(106)}`)).toMatchObject({ kind: 'file' })
    fails(`fifo:jobs?at=/${'x'.repeat(107)}`, '108 bytes')
    fails(`fifo:jobs?at=/${'ä'.repeat(54)}`, '109 bytes')
  })

  it('does not make a bad name good', () => {
    fails('fifo:a/b?at=/run/app.sock', 'a name is')
  })
})

describe('the names of listeners in /proc/net/unix', () => {
  it('are known again, and nobody else’s', () => {
    const { name } = place('sysv-mq:jobs') as { name: string }
    expect(LISTENER_NAME.exec(`@${name}`)?.slice(1)).toEqual(['1000', 'sysv-mq', 'jobs'])
    for (const other of ['@strait/claim/0/x/y', '@strait/x/fifo/y', '/strait/0/fifo/y', '@strait/0/fifo/y/z'])
      expect(LISTENER_NAME.test(other), other).toBe(false)
  })
})

it('an error of an address names the address and the operation', () => {
  const error = (() => {
    try {
      return placeOf(new URL('fifo:a?at=b'), 'listen', 0)
    } catch (thrown) {
      return thrown
    }
  })()
  expect(error).toBeInstanceOf(StraitError)
  expect(String(error)).toContain('listen fifo:a?at=b')
})
