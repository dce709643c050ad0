import { ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kind } from '@strait/core'
import { native, type Seal, SharedMemory } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { failure } from '../../rendezvous/test/support/ends.js'
import { hello, RawListener } from '../../rendezvous/test/support/raw.js'
import { shm } from '../src/index.js'
import { fresh, nothingIsLeft } from './support/ends.js'

const SEALS: readonly Seal[] = ['shrink', 'grow', 'seal']
const CAPACITY = 4096
const SIZE = native().ringsSize(CAPACITY)
const WORDS = 'something else than sealed memory'

nothingIsLeft()

let directory: string
let opened: number[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-hostile-'))
  opened = []
})
// Those of a file's hooks that were set up last run first.
afterEach(() => {
  for (const descriptor of opened) native().close(descriptor)
  rmSync(directory, { recursive: true })
})

const keep = (descriptor: number) => {
  expect(descriptor).toBeGreaterThanOrEqual(0)
  opened.push(descriptor)
  return descriptor
}

function memory(seals: readonly Seal[], size = SIZE): number {
  using made = SharedMemory.anonymous(size, { seals })
  return keep(native().duplicate(made.descriptor))
}

function pair(make: (ends: Int32Array) => number): number {
  const ends = new Int32Array(2)
  expect(make(ends)).toBe(0)
  keep(ends[1]!)
  return keep(ends[0]!)
}

const uint32 = (value: number) => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

/** Whether the connecting end said that it has what it was given. */
let confirmed: boolean

/** What becomes of a `connect` to whom these are handed over. */
async function handOver(parameters: Uint8Array, descriptors: readonly number[]): Promise<void> {
  const url = fresh()
  const listener = new RawListener(url)
  const connecting = shm.connect(url)
  const outcome = connecting.then((channel) => channel.abort())
  outcome.catch(() => {})
  const peer = await listener.accept()
  peer.send(hello(preface()))
  peer.send(Uint8Array.of(Kind.DATA, ...parameters), descriptors)
  try {
    await outcome
  } finally {
    const answers = (await peer.rest()).map(([kind]) => kind)
    peer.close()
    listener.close()
    confirmed = answers.includes(Kind.DATA)
  }
}

it.each([0, 1, 100_000])(
  'a listener that hands over sealed memory, and %i bytes more, is confirmed',
  async (more) => {
    await handOver(uint32(CAPACITY), [memory(SEALS, SIZE + more)])
    expect(confirmed).toBe(true)
  },
)

describe('C13 a listener that hands over', () => {
  const WRONG: Record<string, () => number> = {
    'memory that is not sealed': () => memory([]),
    'memory that may shrink': () => memory(['grow', 'seal']),
    'memory that may grow': () => memory(['shrink', 'seal']),
    'memory that may be sealed further': () => memory(['shrink', 'grow']),
    'memory that is smaller': () => memory(SEALS, SIZE - 1),
    'memory of the least size': () => memory(SEALS, 1),
    'memory that nobody may write': () => {
      using made = SharedMemory.anonymous(SIZE)
      made.seal('write', ...SEALS)
      return keep(native().duplicate(made.descriptor))
    },
    'memory without bytes': () => {
      const descriptor = keep(native().memfd('empty'))
      native().addSeals(descriptor, 7)
      return descriptor
    },
    'a regular file': () => {
      const descriptor = keep(openSync(join(directory, 'file'), 'w+'))
      ftruncateSync(descriptor, SIZE)
      return descriptor
    },
    'a directory': () => keep(openSync(directory, 'r')),
    'a pipe': () => pair((ends) => native().pipe(0, ends)),
    'a socket': () => pair((ends) => native().socketpair(native().SOCK_STREAM, ends)),
    'a device': () => keep(openSync('/dev/zero', 'r+')),
  }

  it.each(Object.entries(WRONG))('%s is CORRUPT, and nothing stays open', async (_, make) => {
    await expect(handOver(uint32(CAPACITY), [make()])).rejects.toEqual(failure('CORRUPT', WORDS))
    expect(confirmed).toBe(false)
  })

  it('no memory, or twice some, is CORRUPT, and nothing stays open', async () => {
    await expect(handOver(uint32(CAPACITY), [])).rejects.toEqual(failure('CORRUPT', '0 descriptors'))
    const good = memory(SEALS)
    await expect(handOver(uint32(CAPACITY), [good, good])).rejects.toEqual(
      failure('CORRUPT', '2 descriptors'),
    )
    const many = new Array<number>(253).fill(good)
    await expect(handOver(uint32(CAPACITY), many)).rejects.toEqual(failure('CORRUPT', '253 descriptors'))
  })

  it.each([0, 3, 8, 2048, 4095, 4097, 12288, 2 ** 27, 2 ** 31, 2 ** 32 - 1])(
    'a capacity of %i, which cannot be, is CORRUPT',
    async (capacity) => {
      // As large as it would be, where that can be made.
      const size = capacity < 2 ** 27 ? 2 * (384 + capacity) : SIZE
      await expect(handOver(uint32(capacity), [memory(SEALS, size)])).rejects.toEqual(
        failure('CORRUPT', WORDS),
      )
    },
  )

  it.each([0, 3, 5, 8, 1000])('%i bytes of parameters are CORRUPT', async (length) => {
    const parameters = new Uint8Array(length)
    parameters.set(uint32(CAPACITY).subarray(0, length))
    await expect(handOver(parameters, [memory(SEALS)])).rejects.toEqual(failure('CORRUPT', WORDS))
  })

  it('a packet of another kind is CORRUPT', async () => {
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = shm.connect(url)
    const peer = await listener.accept()
    peer.send(hello(preface()))
    peer.send(Uint8Array.of(Kind.PING, ...uint32(CAPACITY)), [memory(SEALS)])
    await expect(connecting).rejects.toEqual(failure('CORRUPT', 'kind'))
    peer.close()
    listener.close()
  })
})
