import { spawnSync } from 'node:child_process'
import { Kind } from '@strait/core'
import { SignalQueue } from '@strait/posix'
import { describe, expect, it } from 'vitest'
import { turns } from '../../core/test/support/leftovers.js'
import { failure, Refusals } from '../../rendezvous/test/support/ends.js'
import { encodeAddress } from '../src/address.js'
import { signal } from '../src/index.js'
import { CREDIT, WINDOW } from '../src/word.js'
import { fresh, nothingIsLeft, text, two, utf8 } from './support/ends.js'
import { RawEnd, raw } from './support/raw.js'

nothingIsLeft()

const noPython = spawnSync('python3', ['--version']).status !== 0
const skipped = noPython ? ' (skipped: there is no python3)' : ''

describe('C13 a peer that sends', () => {
  it('what it should is understood', async () => {
    const { end, channel } = await raw()
    end.message(12)
    expect(await channel.receive()).toEqual(new Uint8Array(12).fill(1))
    await channel.send(utf8('hi'))
    const words = [end.queue.receiveSync().value, end.queue.receiveSync().value]
    // A header of 8 bytes and 2 of payload are two words of 5.
    expect(words.map((word) => [word >> 56n, (word >> 53n) & 7n, (word >> 40n) & 0x1fffn])).toEqual([
      [0n, 5n, 7n],
      [1n, 5n, 7n],
    ])
    end.abort()
    await expect(channel.receive()).rejects.toEqual(failure('RESET'))
  })

  it.each([
    ['leaves a signal out', (end: RawEnd) => end.word({ length: 5, sequence: end.sequence + 1 })],
    ['sends one twice', (end: RawEnd) => end.word({ length: 5, sequence: end.sequence - 1 })],
    [
      'says that there are six bytes in five',
      (end: RawEnd) => end.word({ length: 6, sequence: end.sequence }),
    ],
    ['gives a credit for nothing', (end: RawEnd) => end.word({ length: CREDIT, sequence: end.sequence })],
    [
      'sends more than a window',
      (end: RawEnd) => end.bytes(Array.from({ length: 5 * (WINDOW + 1) }, (_, at) => (at === 5 ? 6 : 0))),
    ],
    ['speaks on the control socket', (end: RawEnd) => void end.control.write(Kind.DATA, new Uint8Array(0))],
    ['sends bytes on the control socket', (end: RawEnd) => void end.control.write(Kind.DATA, utf8('bytes'))],
  ])('or %s, ends as CORRUPT behind what was whole', async (_, misbehave) => {
    const { end, channel } = await raw()
    end.message(12)
    misbehave(end)
    const later = channel.receive()
    expect(await later).toEqual(new Uint8Array(12).fill(1))
    await expect(channel.receive()).rejects.toEqual(failure('CORRUPT', 'the peer'))
    await expect(channel.send(utf8('x'))).rejects.toEqual(failure('CORRUPT'))
    expect((await channel.closed).error).toEqual(failure('CORRUPT'))
    end.abort()
  })

  it('a part of a message and hangs up is TRUNCATED', async () => {
    const { end, channel } = await raw()
    end.bytes([0, 0, 0, 0, 100, 0, 0, 0, 1, 2, 3])
    end.abort()
    await expect(channel.receive()).rejects.toEqual(failure('TRUNCATED'))
  })
})

describe('a signal that is no part of a channel', () => {
  it('because nobody has its number is passed over', async () => {
    const { end, channel } = await raw()
    for (const number of [end.there.number + 1, 0x1fff])
      end.word({ channel: number, length: 5, sequence: 99 })
    end.message(3)
    expect(await channel.receive()).toEqual(new Uint8Array(3).fill(1))
    end.abort()
  })

  it.skipIf(noPython)(`because another process sent it is passed over${skipped}`, async () => {
    const { end, channel } = await raw()
    const value = end.encode({ length: 6, sequence: 77 })
    const call = { x64: 297, arm64: 240 }[process.arch as 'x64']
    const program = `import ctypes, os, struct
info = struct.pack("=iiiiiIQ", ${end.there.signal}, 0, -1, 0, os.getpid(), os.getuid(), ${value}).ljust(128, b"\\0")
for _ in range(100): assert ctypes.CDLL(None).syscall(${call}, ${process.pid}, ${end.there.tid}, ${end.there.signal}, info) == 0`
    expect(spawnSync('python3', ['-c', program], { stdio: 'inherit' }).status).toBe(0)
    end.message(3)
    expect(await channel.receive()).toEqual(new Uint8Array(3).fill(1))
    end.abort()
  })

  it('kills nobody when it comes late', async () => {
    const { end, channel } = await raw()
    const { tid, signal: number } = end.there
    channel.abort()
    end.abort()
    await turns(2)
    for (const address of [{ pid: process.pid, tid }, { pid: process.pid }])
      expect(SignalQueue.send(address, number, 5n)).toBe(true)
    const [near, far] = await two()
    await near.send(utf8('alive'))
    expect(text(await far.receive())).toBe('alive')
  })
})

describe('C13 who connects and tells', () => {
  const { pid } = process
  it.each([
    ['a signal that is no real-time signal', encodeAddress({ tid: pid, number: 0, signal: 9 })],
    ['a thread that is not its own', encodeAddress({ tid: 1, number: 0, signal: 50 })],
    ['no thread at all', encodeAddress({ tid: 0, number: 0, signal: 50 })],
    ['a channel that cannot be', encodeAddress({ tid: pid, number: 0xffff, signal: 50 })],
    ['nothing', new Uint8Array(0)],
    ['too much', new Uint8Array(9)],
  ])('%s, is turned away as CORRUPT', async (_, address) => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await signal.listen(url)
    const end = await RawEnd.connect(url, address)
    await refusals.count(1)
    refusals.stop()
    expect(refusals.errors[0]).toEqual(failure('CORRUPT', 'the other end told'))
    end.abort()
    await listener.close()
  })
})
