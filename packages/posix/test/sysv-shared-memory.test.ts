import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { SysvSharedMemory } from '../src/index.js'
import {
  BUILT,
  compile,
  inDirectory,
  NOBODY,
  noCompiler,
  node,
  noPython,
  notRoot,
  python,
  skippedUnlessRoot,
  skippedWithoutCompiler,
  skippedWithoutPython,
  start,
} from './support/others.js'
import { freshKey, unlinkKeys } from './support/sysv.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const SIZE = 5000
const IMPORT = `import { SysvSharedMemory } from ${JSON.stringify(BUILT)}
const attempt = (work) => { try { return work() ?? 'done' } catch (error) { return error.code } }
`

afterEach(unlinkKeys)

describe('SysvSharedMemory', () => {
  it('is the same bytes for everybody who has it attached', () => {
    using memory = SysvSharedMemory.create(freshKey(), SIZE)
    using other = SysvSharedMemory.open(memory.key!)
    expect([memory.size, other.size, memory.created, other.created]).toEqual([SIZE, SIZE, true, false])
    expect(memory.read().every((byte) => byte === 0)).toBe(true)
    memory.bytes[SIZE - 1] = 7
    expect(other.read(SIZE - 2)).toEqual(Uint8Array.of(0, 7))
    other.write(1, Uint8Array.of(1, 2, 3))
    expect([...memory.bytes.subarray(0, 5)]).toEqual([0, 1, 2, 3, 0])
    const [here, there] = [memory.view(Int32Array, 8), other.view(Int32Array, 8, 1)]
    Atomics.add(here, 0, 5)
    expect([Atomics.load(there, 0), here.length, there.length]).toEqual([5, 1248, 1])
  })

  it('tells how many times it is attached', () => {
    using memory = SysvSharedMemory.create(freshKey(), SIZE)
    const other = SysvSharedMemory.open(memory.key!)
    expect(memory.attached).toBe(2)
    other.close()
    expect(memory.attached).toBe(1)
  })

  it('closed, leaves views of no length, and the memory to others', () => {
    const memory = SysvSharedMemory.create(freshKey(), SIZE)
    const { bytes } = memory
    bytes[0] = 9
    memory.close()
    memory.close()
    expect([bytes.length, memory.closed]).toEqual([0, true])
    for (const use of [
      () => memory.bytes,
      () => memory.view(Uint8Array),
      () => memory.read(0, 1),
      () => memory.write(0, Uint8Array.of(1)),
      () => memory.attached,
      () => memory.region,
      () => memory.unlink(),
    ])
      expect(use).toThrow(code('CLOSED'))
    using again = SysvSharedMemory.open(memory.key!)
    expect(again.bytes[0]).toBe(9)
  })

  it('opened readonly is read, and nothing else', () => {
    using memory = SysvSharedMemory.create(freshKey(), SIZE, { mode: 0o400 | 0o200 })
    using reader = SysvSharedMemory.open(memory.key!, { readonly: true })
    memory.write(3, Uint8Array.of(4))
    expect(reader.read(3, 1)).toEqual(Uint8Array.of(4))
    expect(() => reader.bytes).toThrow(code('PERMISSION'))
    expect(() => reader.write(0, Uint8Array.of(1))).toThrow(code('PERMISSION'))
  })

  it('refuses what lies beyond, and sizes, modes and keys that are none', () => {
    using memory = SysvSharedMemory.create(freshKey(), SIZE)
    for (const [offset, length] of [
      [-1, 1],
      [0, SIZE + 1],
      [SIZE, 1],
      [0.5, 1],
    ] as const) {
      expect(() => memory.read(offset, length)).toThrow(RangeError)
      expect(() => memory.write(offset, new Uint8Array(length))).toThrow(RangeError)
    }
    for (const size of [0, -1, 1.5]) expect(() => SysvSharedMemory.private(size)).toThrow(RangeError)
    expect(() => SysvSharedMemory.private(1, { mode: -1 })).toThrow(RangeError)
    for (const key of [0, 2 ** 32]) expect(() => SysvSharedMemory.open(key)).toThrow(RangeError)
    expect(() => SysvSharedMemory.private(2 ** 53)).toThrow(RangeError)
  })

  it('is removed for who looks for it, and stays for who has it attached', () => {
    using memory = SysvSharedMemory.create(freshKey(), SIZE)
    memory.write(0, Uint8Array.of(5))
    expect([memory.unlink(), memory.unlink(), SysvSharedMemory.unlink(memory.key!)]).toEqual([
      true,
      false,
      false,
    ])
    expect(() => SysvSharedMemory.open(memory.key!)).toThrow(code('REFUSED'))
    expect(memory.read(0, 1)).toEqual(Uint8Array.of(5))
    using other = SysvSharedMemory.create(memory.key!, SIZE)
    expect(other.read(0, 1)).toEqual(Uint8Array.of(0))
    expect(SysvSharedMemory.unlink(memory.key!)).toBe(true)
  })

  it('is made once, and found by its key or its number', () => {
    using memory = SysvSharedMemory.create(freshKey(), SIZE)
    expect(() => SysvSharedMemory.create(memory.key!, SIZE)).toThrow(code('ADDRESS_IN_USE'))
    expect(() => SysvSharedMemory.open(freshKey())).toThrow(code('REFUSED'))
    using nameless = SysvSharedMemory.private(SIZE)
    using found = SysvSharedMemory.fromId(nameless.id)
    expect([nameless.key, found.key, found.size]).toEqual([undefined, undefined, SIZE])
    const { id } = nameless
    nameless.unlink()
    nameless.close()
    found.close()
    expect(() => SysvSharedMemory.fromId(id)).toThrow(code('REFUSED'))
  })

  it('is detached with the thread that had it', async () => {
    using memory = SysvSharedMemory.create(freshKey(), SIZE)
    const worker = new Worker(
      `import(${JSON.stringify(BUILT)}).then(({ SysvSharedMemory }) => {
        globalThis.kept = [1, 2, 3].map(() => SysvSharedMemory.open(${memory.key}))
        kept[0].bytes[0] = 1
        require('node:worker_threads').parentPort.postMessage('attached')
        setInterval(() => {}, 1000)
      })`,
      { eval: true },
    )
    await once(worker, 'message')
    expect(memory.attached).toBe(4)
    await worker.terminate()
    expect([memory.attached, memory.bytes[0]]).toEqual([1, 1])
  })
})

describe.skipIf(noCompiler)(`SysvSharedMemory and C${skippedWithoutCompiler}`, () => {
  it('has the bytes in common, whoever has made it', () =>
    inDirectory(async (directory) => {
      const program = compile('sysv', directory)
      await exchanged((key) => start(program, ['invert', String(key), String(SIZE)]).output)
    }))
})

describe.skipIf(noPython)(`SysvSharedMemory and Python${skippedWithoutPython}`, () => {
  it('has the bytes in common, whoever has made it', () =>
    exchanged((key) => python('sysv', 'invert', String(key), String(SIZE)).output))
})

async function exchanged(invert: (key: number) => Promise<string>): Promise<void> {
  const counting = Uint8Array.from({ length: SIZE }, (_, index) => index)
  using memory = SysvSharedMemory.create(freshKey(), SIZE)
  memory.write(0, counting)
  expect(await invert(memory.key!)).toBe('counts\n')
  expect(memory.bytes.every((byte, index) => byte === (~index & 255))).toBe(true)
  const theirs = freshKey()
  expect(await invert(theirs)).toBe('does not count\n')
  using opened = SysvSharedMemory.open(theirs)
  expect(opened.read().every((byte) => byte === 255)).toBe(true)
}

describe('SysvSharedMemory and other users', () => {
  it.skipIf(notRoot)(
    `keeps them out by its mode, and does not trust theirs${skippedUnlessRoot}`,
    async () => {
      using ours = SysvSharedMemory.create(freshKey(), SIZE)
      using readable = SysvSharedMemory.create(freshKey(), SIZE, { mode: 0o644 })
      readable.write(0, Uint8Array.of(8))
      const theirs = freshKey()
      const program = `${IMPORT}
        console.log(attempt(() => SysvSharedMemory.open(${ours.key})))
        console.log(attempt(() => SysvSharedMemory.open(${readable.key})))
        console.log(attempt(() => SysvSharedMemory.unlink(${readable.key})))
        console.log(attempt(() => SysvSharedMemory.private(1, { mode: 0 })))
        console.log(SysvSharedMemory.open(${readable.key}, { readonly: true }).read(0, 1)[0])
        SysvSharedMemory.create(${theirs}, 1)`
      const refused = 'ERR_STRAIT_PERMISSION\n'.repeat(4)
      expect(await node(program, NOBODY)).toEqual({ code: 0, out: `${refused}8\n` })
      expect(() => SysvSharedMemory.open(theirs)).toThrow(/belongs to user 65534/)
      using _ = SysvSharedMemory.open(theirs, { owner: 65_534 })
    },
  )
})

const ALONE = ['unshare', '--ipc']
const notAlone = notRoot || spawnSync(ALONE[0]!, [...ALONE.slice(1), 'true']).status !== 0
const skippedUnlessAlone = notAlone ? ' (skipped: needs root and unshare)' : ''

describe.skipIf(notAlone)(`the limits of SysvSharedMemory${skippedUnlessAlone}`, () => {
  it('are named: of how many, and of how large', async () => {
    const program = `${IMPORT}
      import { writeFileSync } from 'node:fs'
      const said = (size, limit) => {
        try { SysvSharedMemory.private(size) } catch (error) { console.log(error.code, error.message.includes(limit)) }
      }
      writeFileSync('/proc/sys/kernel/shmmax', '4096')
      said(4097, 'kernel.shmmax')
      writeFileSync('/proc/sys/kernel/shmmni', '1')
      const memory = SysvSharedMemory.private(4096)
      said(4096, 'kernel.shmmni')
      memory.unlink()
      memory.close()
      console.log(SysvSharedMemory.private(4096).created)`
    const out = 'ERR_STRAIT_NO_RESOURCES true\nERR_STRAIT_NO_RESOURCES true\ntrue\n'
    expect(await node(program, ALONE)).toEqual({ code: 0, out })
  })
})
