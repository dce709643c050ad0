import { describe, expect, it } from 'vitest'
import { bareName, checkQuery, decodePath, parseAddress, schemeOf } from '../src/address.js'
import { StraitError } from '../src/error.js'

function refusal(run: () => unknown): StraitError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(StraitError)
    expect((error as StraitError).code).toBe('ERR_STRAIT_ADDRESS_INVALID')
    return error as StraitError
  }
  throw new Error('it was accepted')
}

const path = (address: string) => decodePath(parseAddress(address, 'listen'), 'listen')

describe('C10 an address is refused rather than repaired', () => {
  it.each([
    ['a dot segment', 'unix:/tmp/../x'],
    ['a single dot', 'unix:/tmp/./x'],
    ['a dot segment at the end', 'unix:/tmp/..'],
    ['a dot segment at the beginning', 'unix:../x'],
    ['a dot segment behind an authority', 'unix:///../x'],
    ['an encoded dot segment', 'unix:/tmp/%2e%2e/x'],
    ['a half encoded dot segment', 'unix:/tmp/.%2E/x'],
    ['an encoded single dot', 'unix:/tmp/%2e/x'],
    ['a fragment', 'unix:/tmp/x#y'],
    ['an empty fragment', 'unix:/tmp/x#'],
    ['a user', 'tcp://me@127.0.0.1:7000'],
    ['a password', 'tcp://me:secret@127.0.0.1:7000'],
    ['an empty user', 'tcp://@127.0.0.1:7000'],
    ['an empty user and password', 'tcp://:@127.0.0.1:7000'],
    ['a blank', 'unix:/tmp/a b'],
    ['a blank before', ' unix:/tmp/x'],
    ['a blank behind', 'unix:/tmp/x '],
    ['a tab', 'unix:/tmp/a\tb'],
    ['a line feed', 'unix:/tmp/a\nb'],
    ['a line feed behind', 'unix:/tmp/x\n'],
    ['a carriage return', 'unix:/tmp/a\rb'],
    ['a zero byte', 'unix:/tmp/a\0b'],
    ['a delete', 'unix:/tmp/a\u007fb'],
    ['a backslash', 'unix:\\tmp\\x'],
    ['half a surrogate pair', 'unix:/tmp/\ud800'],
    ['nothing', ''],
    ['no scheme', '/tmp/x'],
    ['only a colon', ':x'],
    ['a scheme in capitals', 'UNIX:/tmp/x'],
    ['a port over 65535', 'tcp://127.0.0.1:65536'],
    ['a port that is no number', 'tcp://127.0.0.1:http'],
    ['half an IPv6 address', 'tcp://[::1:7000'],
    ['a host without slashes, which URL would supply', 'ws:127.0.0.1:80'],
    ['a host behind one slash', 'ws:/127.0.0.1:80'],
    ['a host behind three slashes', 'ws:///127.0.0.1:80'],
    ['a host in hexadecimal, which URL would translate', 'ws://0x7f.1:80'],
    ['a host with percent-encoding', 'ws://%6cocalhost:80'],
    ['a host that is not ASCII', 'ws://bücher.example:80'],
  ])('%s', (_, address) => {
    const error = refusal(() => parseAddress(address, 'listen'))
    expect(error.operation).toBe('listen')
    expect(error.message).not.toBe('')
  })

  it.each([
    ['a malformed percent-encoding', 'unix:/tmp/%zz'],
    ['half a percent-encoding', 'unix:/tmp/%4'],
    ['a percent-encoding that is not UTF-8', 'unix:/tmp/%ff'],
    ['an encoded zero byte', 'unix:/tmp/%00'],
    ['dot segments between encoded slashes', 'unix:/tmp/a%2f..%2fb'],
    ['a dot segment behind an encoded slash', 'unix:/tmp%2f..'],
  ])('%s', (_, address) => {
    refusal(() => path(address))
  })

  it('an unknown parameter, by name', () => {
    const url = parseAddress('unix:/tmp/x?mode=1', 'listen')
    expect(refusal(() => checkQuery(url, 'listen')).message).toContain("'mode'")
    expect(refusal(() => checkQuery(url, 'listen', ['ring'])).message).toContain("'mode'")
    checkQuery(url, 'listen', ['mode'])
  })

  it('a repeated parameter, also when it is known', () => {
    const url = parseAddress('shm:jobs?ring=1&ring=2', 'listen')
    expect(refusal(() => checkQuery(url, 'listen', ['ring'])).message).toContain('twice')
  })
})

describe('C10 what is legal is accepted', () => {
  it.each([
    ['unix:/run/app.sock', '/run/app.sock'],
    ['unix:///run/app.sock', '/run/app.sock'],
    ['unix:/run/...', '/run/...'],
    ['unix:/run/.hidden', '/run/.hidden'],
    ['unix:/run/a..b', '/run/a..b'],
    ['unix:/run/a:..', '/run/a:..'],
    ['unix:/run/a:b', '/run/a:b'],
    ['unix:/run/a%20b', '/run/a b'],
    ['unix:/run/%2523', '/run/%23'],
    ['unix:/run/%23', '/run/#'],
    ['unix:/run/é', '/run/é'],
    ['unix:/run/😀', '/run/😀'],
  ])('%s is the path %s', (address, expected) => {
    expect(path(address)).toBe(expected)
  })

  it('a dot segment in the query is no path', () => {
    expect(parseAddress('shm:jobs?at=../x', 'listen').searchParams.get('at')).toBe('../x')
  })

  it('a URL object', () => {
    expect(parseAddress(new URL('mem:jobs'), 'listen').href).toBe('mem:jobs')
  })
})

describe('C10 a bare name', () => {
  const name = (address: string) => bareName(parseAddress(address, 'listen'), 'listen')

  it.each(['jobs', 'a', 'A-b_c.9', 'x'.repeat(64), '...'])('may be %s', (text) => {
    expect(name(`mem:${text}`)).toBe(text)
  })

  it.each([
    'mem:',
    'mem:/jobs',
    'mem://jobs',
    'mem:///jobs',
    'mem:a/b',
    'mem:a%2fb',
    'mem:a%20b',
    'mem:é',
    'mem:@x',
    `mem:${'x'.repeat(65)}`,
  ])('is not %s', (address) => {
    refusal(() => name(address))
  })

  it.each(['mem:.', 'mem:..', 'mem:%2e'])('is not the dot segment %s', (address) => {
    refusal(() => name(address))
  })
})

describe('a scheme', () => {
  it.each([
    ['unix:', 'unix'],
    ['ws:', 'ws'],
    ['zmq+tcp:', 'zmq+tcp'],
    ['tcp://127.0.0.1:1', 'tcp'],
  ])('of %s is %s', (address, scheme) => {
    expect(schemeOf(address, 'spawn')).toBe(scheme)
  })

  it.each(['', 'unix', ':x', '/tmp/x', 'UNIX:', ' unix:'])('is refused in %j', (address) => {
    expect(refusal(() => schemeOf(address, 'spawn')).operation).toBe('spawn')
  })
})

it.each(['ws://127.0.0.1', 'ws://[::1]:80/a', 'wss://LOCALHOST:443/', 'tcp://[::1]:7000', 'tcp://Host:1'])(
  '%s is an address',
  (address) => {
    expect(parseAddress(address, 'listen')).toBeInstanceOf(URL)
  },
)
