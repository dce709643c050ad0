import { describe, expect, it } from 'vitest'
import { placeOf } from '../src/address.js'
import { failure } from './support/ends.js'

const OWN = ['wait', 'ring']
const place = (query: string, own?: readonly string[]) =>
  placeOf(new URL(`shm:jobs${query}`), 'connect', 1000, own)

describe('C10 parameters of the transport’s own', () => {
  it('are let be, and change nothing about the meeting place', () => {
    const bare = place('')
    for (const query of ['?wait=park', '?ring=1&wait=', '?wait', '?', '?wait=a%26at=/x', '?wait=at%3D/x'])
      expect(place(query, OWN), query).toEqual(bare)
  })

  it('may stand before `at` and behind it', () => {
    const file = { kind: 'file', path: '/run/app.sock' }
    for (const query of [
      '?at=/run/app.sock',
      '?at=/run/app.sock&wait=park',
      '?wait=park&at=/run/app.sock',
      '?ring=4096&at=/run/app.sock&wait=park',
      '?wait=at&at=/run/app.sock',
      '?wait=/x&ring=at=/y&at=/run/app.sock',
      '?wait=%26at%3D/y&at=/run/app.sock',
    ])
      expect(place(query, OWN), query).toEqual(file)
  })

  it('`at` may be written with percent signs, in its name and in its path, and a plus stays one', () => {
    expect(place('?%61t=/run/a', OWN)).toEqual({ kind: 'file', path: '/run/a' })
    expect(place('?wait=park&a%74=/run/%20a', OWN)).toEqual({ kind: 'file', path: '/run/ a' })
    expect(place('?%61%74=/srv/c++/a&ring=1', OWN)).toEqual({ kind: 'file', path: '/srv/c++/a' })
    expect(place('?at=%2Frun%2Fa&ring=1', OWN)).toEqual({ kind: 'file', path: '/run/a' })
  })

  it('are unknown where the transport has none, or not these, however they are written', () => {
    const fails = (query: string, words: string, own?: readonly string[]) =>
      expect(() => place(query, own), query).toThrowError(failure('ADDRESS_INVALID', words))
    fails('?wait=park', "unknown parameter 'wait'")
    fails('?w%61it=park', "unknown parameter 'wait'")
    fails('?at=/x&color=red', "unknown parameter 'color'", OWN)
    fails('?Wait=park', "unknown parameter 'Wait'", OWN)
    fails('?wait=park&wait=spin', 'stands twice', OWN)
    fails('?wait=park&w%61it=spin', 'stands twice', OWN)
    fails('?at=/x&%61t=/y', 'stands twice', OWN)
  })

  it('`at` without a path is no path, wherever it stands', () => {
    for (const query of ['?at', '?at=', '?wait=park&at', '?at&wait=park', '?at=&ring=/run/app.sock'])
      expect(() => place(query, OWN), query).toThrowError(failure('ADDRESS_INVALID', 'absolute path'))
  })
})
