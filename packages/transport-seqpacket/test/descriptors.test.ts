import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { native } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { failure, fresh as named, Refusals } from '../../rendezvous/test/support/ends.js'
import { hello, RawPeer } from '../../rendezvous/test/support/raw.js'
import { type SeqpacketChannel, type SeqpacketConnectOptions, seqpacket } from '../src/index.js'

const MOST = 253
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const bytes = (words: string) => new Uint8Array(Buffer.from(words))
const fresh = () => new URL(named().href.replace('fifo:', 'seqpacket:'))

let before: string[]
let opened: number[]
let channels: SeqpacketChannel[]
beforeEach(() => {
  before = descriptors()
  opened = []
  channels = []
})
afterEach(async () => {
  for (const channel of channels) channel.abort()
  for (const descriptor of opened) closeSync(descriptor)
  await turns(10)
  expect(descriptors().filter((each) => !before.includes(each))).toEqual([])
})

/** Closes it after the test. */
const keep = (descriptor: number) => {
  opened.push(descriptor)
  return descriptor
}

/** A file without a name that says these words. */
function file(words: string): number {
  const directory = mkdtempSync(join(tmpdir(), 'strait-passed-'))
  const path = join(directory, 'file')
  const descriptor = keep(openSync(path, 'w+'))
  writeSync(descriptor, words, 0)
  unlinkSync(path)
  rmSync(directory, { recursive: true })
  return descriptor
}

function read(descriptor: number): string {
  const buffer = new Uint8Array(1000)
  return text(buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, 0)))
}

async function two(options: SeqpacketConnectOptions = {}): Promise<[SeqpacketChannel, SeqpacketChannel]> {
  const url = fresh()
  const listener = await seqpacket.listen(url, options)
  const connected = await seqpacket.connect(url, options)
  const accepted = (await listener.accept())!
  await listener.close()
  channels.push(connected, accepted)
  return [connected, accepted]
}

const receive = async (channel: SeqpacketChannel) => {
  const message = (await channel.receive())!
  return { message, descriptors: channel.takeDescriptors(message).map(keep) }
}

describe('descriptors travel', () => {
  it('with a message, both ways, and are the same open files', async () => {
    const ends = await two({ maxDescriptors: 4 })
    for (const [from, to] of [ends, [...ends].reverse() as typeof ends]) {
      const sent = file('first')
      await from.sendDescriptors([sent], bytes('a file'))
      const { message, descriptors: got } = await receive(to)
      expect(text(message)).toBe('a file')
      expect(got).toHaveLength(1)
      expect(got[0]).not.toBe(sent)
      expect(fstatSync(got[0]!).ino).toBe(fstatSync(sent).ino)
      writeSync(got[0]!, 'second', 0)
      expect(read(sent)).toBe('second')
    }
  })

  it('of pipes: what is written into the passed end comes out of the kept one, and ends with it', async () => {
    const [from, to] = await two({ maxDescriptors: 1 })
    const pipe = new Int32Array(2)
    native().pipe(0, pipe)
    const reader = keep(pipe[0]!)
    await from.sendDescriptors([pipe[1]!])
    native().close(pipe[1]!)
    const message = (await to.receive())!
    expect(message).toEqual(new Uint8Array(0))
    const [writer] = to.takeDescriptors(message)
    writeSync(writer!, 'through the pipe')
    native().close(writer!)
    const buffer = new Uint8Array(100)
    expect(text(buffer.subarray(0, readSync(reader, buffer)))).toBe('through the pipe')
    expect(readSync(reader, buffer)).toBe(0)
  })

  it('of memory, which both ends then have', async () => {
    const [from, to] = await two({ maxDescriptors: 1 })
    const memory = keep(native().memfd('strait-test'))
    await from.sendDescriptors([memory])
    const { descriptors: got } = await receive(to)
    writeSync(got[0]!, 'shared', 0)
    expect(read(memory)).toBe('shared')
  })

  it('up to 253 of them, in order', async () => {
    const [from, to] = await two({ maxDescriptors: MOST })
    const sent = Array.from({ length: MOST }, (_, i) => file(`file ${i}`))
    await from.sendDescriptors(sent)
    const { descriptors: got } = await receive(to)
    expect(got.map(read)).toEqual(sent.map((_, i) => `file ${i}`))
  })

  it('with their own message only, in order among many others', async () => {
    const [from, to] = await two({ maxDescriptors: 2 })
    const files = [file('0'), file('1'), file('2')]
    const sending = (async () => {
      for (let i = 0; i < 300; i++) {
        if (i % 3 === 0) await from.send(bytes(`${i}`))
        else await from.sendDescriptors(files.slice(0, i % 3), bytes(`${i}`))
      }
    })()
    for (let i = 0; i < 300; i++) {
      const message = (await to.receive())!
      const got = to.takeDescriptors(message)
      expect(text(message)).toBe(`${i}`)
      expect(got.map(read)).toEqual(['0', '1'].slice(0, i % 3))
      for (const each of got) closeSync(each)
    }
    await sending
  })

  it('stay the caller’s, and the same bytes may be sent with and without', async () => {
    const [from, to] = await two({ maxDescriptors: 1 })
    const message = bytes('same')
    const passed = file('x')
    await Promise.all([from.sendDescriptors([passed], message), from.send(message)])
    expect((await receive(to)).descriptors).toHaveLength(1)
    expect((await receive(to)).descriptors).toEqual([])
    expect(read(passed)).toBe('x')
  })

  it('are taken once', async () => {
    const [from, to] = await two({ maxDescriptors: 1 })
    await from.sendDescriptors([file('x')])
    const message = (await to.receive())!
    expect(to.takeDescriptors(message).map(keep)).toHaveLength(1)
    expect(to.takeDescriptors(message)).toEqual([])
    expect(to.takeDescriptors(new Uint8Array(5))).toEqual([])
  })

  it('that nobody takes are closed with the channel', async () => {
    const [from, to] = await two({ maxDescriptors: 3 })
    const sent = file('x')
    for (let i = 0; i < 5; i++) await from.sendDescriptors([sent, sent, sent])
    for (let i = 0; i < 3; i++) await to.receive()
    await Promise.all([from.close(), to.close()])
  })
})

describe('sendDescriptors', () => {
  it('refuses what cannot be passed, and the channel goes on', async () => {
    const [from, to] = await two({ maxDescriptors: MOST })
    const good = file('x')
    const gone = openSync('/dev/null', 'r')
    closeSync(gone)
    for (const wrong of [[], new Array(MOST + 1).fill(good), [gone], [-1], [1.5], [good, Number.NaN]])
      await expect(from.sendDescriptors(wrong)).rejects.toBeInstanceOf(RangeError)
    await expect(from.sendDescriptors([good], new Uint8Array(32 * 1024))).rejects.toBeInstanceOf(RangeError)
    await from.sendDescriptors([good], new Uint8Array(32 * 1024 - 1))
    expect((await receive(to)).descriptors).toHaveLength(1)
  })

  it('C9 that is aborted has sent nothing, before or while it waits for room', async () => {
    const [from, to] = await two({ maxDescriptors: 1 })
    const passed = file('x')
    const aborted = from.sendDescriptors([passed], bytes('no'), { signal: AbortSignal.abort() })
    await expect(aborted).rejects.toEqual(failure('ABORTED'))
    let count = 0
    while (from.trySend(new Uint8Array(10_000))) count++
    const controller = new AbortController()
    const waiting = from.sendDescriptors([passed], bytes('no'), { signal: controller.signal })
    const behind = from.sendDescriptors([passed], bytes('yes'))
    controller.abort()
    await expect(waiting).rejects.toEqual(failure('ABORTED'))
    for (; count > 0; count--) expect((await receive(to)).descriptors).toEqual([])
    await behind
    const { message, descriptors: got } = await receive(to)
    expect([text(message), got.length]).toEqual(['yes', 1])
  })

  it('to a closed channel is CLOSED', async () => {
    const [from, to] = await two({ maxDescriptors: 1 })
    await Promise.all([from.close(), to.close()])
    await expect(from.sendDescriptors([file('x')])).rejects.toEqual(failure('CLOSED'))
  })
})

describe('C13 maxDescriptors', () => {
  it('is 0 unless somebody says more: then one descriptor ends the channel, and none is left open', async () => {
    const [from, to] = await two()
    await from.send(bytes('before'))
    await from.sendDescriptors([file('x')])
    expect(text((await to.receive())!)).toBe('before')
    await expect(to.receive()).rejects.toEqual(failure('CORRUPT', 'a descriptor with'))
    expect((await from.closed).error).toEqual(failure('RESET'))
  })

  it('is a limit of each message', async () => {
    const [from, to] = await two({ maxDescriptors: 2 })
    const sent = file('x')
    await from.sendDescriptors([sent, sent])
    expect((await receive(to)).descriptors).toHaveLength(2)
    await from.sendDescriptors([sent, sent, sent])
    await expect(to.receive()).rejects.toEqual(failure('CORRUPT', 'descriptor'))
  })

  it('is 0 to 253', async () => {
    for (const maxDescriptors of [-1, 254, 1.5, Number.NaN]) {
      await expect(seqpacket.listen(fresh(), { maxDescriptors })).rejects.toBeInstanceOf(RangeError)
      await expect(seqpacket.connect(fresh(), { maxDescriptors })).rejects.toBeInstanceOf(RangeError)
    }
  })

  it('does not hold for the greeting, with which none may come', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await seqpacket.listen(url, { maxDescriptors: MOST })
    const peer = RawPeer.connect(url)
    peer.send(hello(preface()), [file('x')])
    await peer.rest()
    expect(refusals.errors).toEqual([failure('CORRUPT', 'a descriptor with')])
    refusals.stop()
    peer.close()
    await listener.close()
  })

  it('does not let a peer fill the table of this process with what nobody can take', async () => {
    const url = fresh()
    const listener = await seqpacket.listen(url, { maxDescriptors: MOST })
    const peer = RawPeer.connect(url)
    peer.send(hello(preface()))
    const channel = (await listener.accept())!
    const ping = Uint8Array.of(2)
    const passed = new Array<number>(MOST).fill(file('x'))
    // It answers each, so its answers are read until it gives up.
    const answers = peer.rest()
    while (channel.state === 'open') {
      peer.send(ping, passed)
      await turns(1)
    }
    expect((await channel.closed).error).toEqual(failure('CORRUPT', 'descriptor'))
    await answers
    peer.close()
    await listener.close()
  })
})
