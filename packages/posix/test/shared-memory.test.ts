import { constants as limits } from 'node:buffer'
import {
  chownSync,
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, markAsUntransferable } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { descriptors } from '../../core/test/support/leftovers.js'
import { native, SharedMemory } from '../src/index.js'
import { has, run, support } from './support/programs.js'

const root = process.getuid?.() === 0
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const used: string[] = []
/** A name that nobody uses, removed after the test. */
const fresh = () => {
  const name = `strait-test-${process.pid}-${used.length}`
  used.push(name)
  return name
}
const fileOf = (name: string) => `/dev/shm/${name}`

afterEach(() => {
  for (const name of used) rmSync(fileOf(name), { force: true, recursive: true })
})

describe('SharedMemory with a name', () => {
  it('is the same memory for everybody who opens it', () => {
    const name = fresh()
    using made = SharedMemory.create(name, 1000)
    using opened = SharedMemory.open(name)
    expect([made.created, opened.created]).toEqual([true, false])
    expect([made.size, opened.size, opened.bytes.length]).toEqual([1000, 1000, 1000])
    expect(opened.bytes.every((byte) => byte === 0)).toBe(true)
    made.bytes[999] = 7
    opened.bytes[0] = 9
    expect([opened.bytes[999], made.bytes[0]]).toEqual([7, 9])
  })

  it('has the mode it was given, whatever the umask says, and is private unless told', () => {
    const [secret, open] = [fresh(), fresh()]
    using _first = SharedMemory.create(secret, 1)
    const umask = process.umask(0o077)
    using _second = SharedMemory.create(open, 1, { mode: 0o640 })
    process.umask(umask)
    expect(statSync(fileOf(secret)).mode & 0o777).toBe(0o600)
    expect(statSync(fileOf(open)).mode & 0o777).toBe(0o640)
    expect(() => SharedMemory.create(fresh(), 1, { mode: 0o4777 })).toThrow(RangeError)
  })

  it('keeps its name and its bytes until somebody unlinks it', () => {
    const name = fresh()
    const made = SharedMemory.create(name, 10)
    made.bytes[3] = 3
    made.close()
    using opened = SharedMemory.open(name)
    expect(opened.bytes[3]).toBe(3)
    expect(opened.unlink()).toBe(true)
    expect(opened.unlink()).toBe(false)
    expect(opened.bytes[3]).toBe(3)
    expect(() => SharedMemory.open(name)).toThrow(code('REFUSED'))
  })

  it('unlinks by name what nobody has open, and only its own object by handle', () => {
    const name = fresh()
    SharedMemory.create(name, 10).close()
    expect(SharedMemory.unlink(name)).toBe(true)
    expect(SharedMemory.unlink(name)).toBe(false)
    using first = SharedMemory.create(name, 10)
    SharedMemory.unlink(name)
    using _second = SharedMemory.create(name, 10)
    expect(first.unlink()).toBe(false)
    expect(existsSync(fileOf(name))).toBe(true)
  })

  it('says that a name is taken, and leaves what has it alone', () => {
    const name = fresh()
    using made = SharedMemory.create(name, 10)
    made.bytes[0] = 1
    const before = descriptors()
    expect(() => SharedMemory.create(name, 10)).toThrow(code('ADDRESS_IN_USE'))
    expect(made.bytes[0]).toBe(1)
    expect(descriptors()).toEqual(before)
  })

  it('refuses names that are no names', () => {
    for (const name of ['', '.', '..', '/x', 'a/b', '../x', 'a b', 'ü', 'x'.repeat(65), 'a\0']) {
      expect(() => SharedMemory.create(name, 1), name).toThrow(code('ADDRESS_INVALID'))
      expect(() => SharedMemory.open(name), name).toThrow(code('ADDRESS_INVALID'))
      expect(() => SharedMemory.unlink(name), name).toThrow(code('ADDRESS_INVALID'))
    }
  })

  it('refuses sizes that are none, and more than the machine has', () => {
    for (const size of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      expect(() => SharedMemory.create(fresh(), size), String(size)).toThrow(RangeError)
      expect(() => SharedMemory.anonymous(size), String(size)).toThrow(RangeError)
    }
    const more = totalmem() + 1
    const error = more <= limits.MAX_LENGTH ? code('NO_RESOURCES') : RangeError
    expect(() => SharedMemory.anonymous(more)).toThrow(error)
  })

  it('opens or makes, and the one who made it knows', () => {
    const name = fresh()
    using first = SharedMemory.openOrCreate(name, 100)
    using second = SharedMemory.openOrCreate(name, 50)
    expect([first.created, second.created, second.size]).toEqual([true, false, 100])
    expect(() => SharedMemory.openOrCreate(name, 101)).toThrow(code('REFUSED'))
  })

  it('is not opened through a symbolic link, nor what is no memory', async () => {
    const before = descriptors()
    const [target, link, directory, fifo, empty] = [fresh(), fresh(), fresh(), fresh(), fresh()]
    SharedMemory.create(target, 10).close()
    symlinkSync(fileOf(target), fileOf(link))
    expect(() => SharedMemory.open(link)).toThrow(code('PERMISSION'))
    expect(() => SharedMemory.create(link, 10)).toThrow(code('ADDRESS_IN_USE'))
    rmSync(fileOf(target))
    expect(() => SharedMemory.create(link, 10)).toThrow(code('ADDRESS_IN_USE'))
    expect(existsSync(fileOf(target))).toBe(false)
    await run('mkdir', [fileOf(directory)])
    expect(() => SharedMemory.open(directory)).toThrow(code('ADDRESS_INVALID'))
    await run('mkfifo', [fileOf(fifo)])
    expect(() => SharedMemory.open(fifo)).toThrow(code('ADDRESS_INVALID'))
    writeFileSync(fileOf(empty), '')
    expect(() => SharedMemory.open(empty)).toThrow(code('REFUSED'))
    expect(descriptors()).toEqual(before)
  })

  it.skipIf(!root)("refuses another user's, unless that user is trusted (skipped unless root)", () => {
    const name = fresh()
    SharedMemory.create(name, 10).close()
    chownSync(fileOf(name), 65534, 65534)
    expect(() => SharedMemory.open(name)).toThrow(code('PERMISSION'))
    using memory = SharedMemory.open(name, { owner: 65534 })
    expect(memory.size).toBe(10)
  })

  it('opened readonly never changes what the others see', () => {
    const name = fresh()
    using made = SharedMemory.create(name, 10)
    using reader = SharedMemory.open(name, { readonly: true })
    made.bytes[0] = 5
    expect(reader.bytes[0]).toBe(5)
    expect(() => reader.write(0, new Uint8Array(1))).toThrow(code('PERMISSION'))
    expect(() => reader.resize(20)).toThrow(code('PERMISSION'))
    reader.bytes[0] = 6
    expect(made.bytes[0]).toBe(5)
  })

  it.skipIf(!has('unshare', '-rm', 'true'))(
    'says so when /dev/shm is full, instead of ending the process later (skipped without unshare)',
    async () => {
      const mount = 'mount -t tmpfs -o size=1m none /dev/shm && exec "$@"'
      const args = ['-rm', 'sh', '-c', mount, 'sh', process.execPath, support('full.mjs')]
      const { status, output } = await run('unshare', args)
      expect(output).toMatch(
        /NO_RESOURCES create \/dev\/shm\/full: \/dev\/shm is full; `df \/dev\/shm` shows it/,
      )
      expect(output).toMatch(/NO_RESOURCES resize .* bytes: 100$/m)
      expect(output).toMatch(/names: fits$/)
      expect(status).toBe(0)
    },
  )
})

describe('SharedMemory', () => {
  it('has typed views that share its bytes', () => {
    using memory = SharedMemory.anonymous(103)
    const numbers = memory.view(Int32Array, 4)
    expect(numbers.length).toBe(24)
    Atomics.store(numbers, 0, 0x01020304)
    expect([...memory.bytes.subarray(4, 8)].sort()).toEqual([1, 2, 3, 4])
    expect(memory.view(Float64Array, 8, 2).length).toBe(2)
    expect(memory.view(DataView, 100, 3).getUint8(2)).toBe(0)
    expect(memory.view(Uint8Array, 103).length).toBe(0)
    for (const [offset, length] of [[1, 1], [104], [-4], [96, 2], [0, -1]] as [number, number?][])
      expect(() => memory.view(Int32Array, offset, length), `${offset}, ${length}`).toThrow(RangeError)
  })

  it('copies out and in, within its bounds', () => {
    using memory = SharedMemory.anonymous(10)
    memory.write(8, new Uint8Array([1, 2]))
    expect(memory.read(8, 2)).toEqual(new Uint8Array([1, 2]))
    expect(memory.read(9)).toEqual(new Uint8Array([2]))
    expect(memory.read(10)).toEqual(new Uint8Array(0))
    const copy = memory.read()
    copy[0] = 1
    expect(memory.bytes[0]).toBe(0)
    for (const [at, length] of [
      [9, 2],
      [-1, 1],
      [11, 0],
      [0.5, 1],
      [Number.NaN, 1],
      [2 ** 53, 1],
    ] as const) {
      expect(() => memory.read(at, length)).toThrow(RangeError)
      expect(() => memory.write(at, new Uint8Array(length))).toThrow(RangeError)
    }
  })

  it('detaches every view before it unmaps', () => {
    const memory = SharedMemory.anonymous(100)
    const views = [memory.bytes, memory.view(Int32Array), memory.bytes.subarray(3)]
    memory.close()
    memory.close()
    expect(views.map((view) => view.length)).toEqual([0, 0, 0])
    expect([memory.closed, memory.size]).toEqual([true, 0])
    for (const use of [
      () => memory.bytes,
      () => memory.view(Int32Array),
      () => memory.read(0, 0),
      () => memory.write(0, new Uint8Array(0)),
      () => memory.resize(5),
      () => memory.seal('grow'),
      () => memory.seals,
      () => memory.unlink(),
      () => memory.descriptor,
    ])
      expect(use).toThrow(code('CLOSED'))
  })

  const { transfer } = ArrayBuffer.prototype as { transfer?: (this: ArrayBuffer) => ArrayBuffer }
  it.skipIf(transfer === undefined)(
    'keeps memory that was moved into another ArrayBuffer, until that is collected (skipped before Node 22)',
    () => {
      const memory = SharedMemory.anonymous(100)
      memory.bytes[0] = 1
      const moved = transfer!.call(memory.bytes.buffer as ArrayBuffer)
      memory.close()
      expect(new Uint8Array(moved)[0]).toBe(1)
    },
  )

  it('is closed without harm also when somebody has marked its buffer as untransferable', () => {
    const memory = SharedMemory.anonymous(100)
    const { bytes } = memory
    bytes[0] = 1
    markAsUntransferable(bytes.buffer)
    memory.close()
    expect([0, 1]).toContain(bytes[0] ?? 0)
    expect(() => memory.bytes).toThrow(code('CLOSED'))
  })

  it('is not handed to another thread by its buffer', () => {
    using memory = SharedMemory.anonymous(100)
    const { port1, port2 } = new MessageChannel()
    const buffer = memory.bytes.buffer as ArrayBuffer
    for (const move of [
      () => port1.postMessage(buffer, [buffer]),
      () => structuredClone(buffer, { transfer: [buffer] }),
    ]) {
      try {
        move()
      } catch (error) {
        // Node 20 sends a copy instead.
        expect((error as Error).name).toBe('DataCloneError')
      }
    }
    expect(memory.bytes.length).toBe(100)
    port1.close()
    port2.close()
  })

  it('is resized with its bytes kept, and the others follow', () => {
    const name = fresh()
    using ours = SharedMemory.create(name, 100)
    using theirs = SharedMemory.open(name)
    ours.bytes.fill(1)
    const old = ours.bytes
    ours.resize(10_000)
    expect([old.length, ours.bytes.length, theirs.bytes.length]).toEqual([0, 10_000, 100])
    expect([ours.bytes[99], ours.bytes[100], ours.bytes[9999]]).toEqual([1, 0, 0])
    theirs.resize(10_000)
    ours.bytes[9999] = 9
    expect(theirs.bytes[9999]).toBe(9)
    theirs.close()
    ours.resize(50)
    expect([ours.size, statSync(fileOf(name)).size, ours.bytes[49]]).toEqual([50, 50, 1])
    expect(() => ours.resize(0)).toThrow(RangeError)
  })

  it('is not resized against its seals, and stays as it was', () => {
    using memory = SharedMemory.anonymous(100, { seals: ['grow', 'shrink', 'seal'] })
    expect(memory.seals).toEqual(['seal', 'shrink', 'grow'])
    const view = memory.bytes
    expect(() => memory.resize(50)).toThrow(code('PERMISSION'))
    expect(() => memory.resize(200)).toThrow(code('PERMISSION'))
    expect(() => memory.seal('write')).toThrow(code('PERMISSION'))
    expect([memory.size, memory.bytes.length]).toEqual([100, 100])
    if (view.length > 0) expect(memory.bytes).toBe(view)
    memory.bytes[0] = 1
    using other = SharedMemory.fromDescriptor(native().duplicate(memory.descriptor))
    expect(other.bytes[0]).toBe(1)
  })

  it('sealed against writing can be read by everybody and changed by nobody', () => {
    using memory = SharedMemory.anonymous(100)
    memory.bytes[0] = 7
    using other = SharedMemory.fromDescriptor(native().duplicate(memory.descriptor))
    const view = memory.bytes
    expect(() => memory.seal('write')).toThrow(code('REFUSED'))
    expect([view.length, memory.bytes[0], memory.seals]).toEqual([0, 7, []])
    memory.bytes[1] = 8
    expect(other.bytes[1]).toBe(8)
    other.close()
    memory.seal('write')
    expect([memory.bytes[0], memory.bytes[1]]).toEqual([7, 8])
    expect(() => memory.write(0, new Uint8Array(1))).toThrow(code('PERMISSION'))
    const passed = native().duplicate(memory.descriptor)
    expect(() => SharedMemory.fromDescriptor(passed)).toThrow(code('PERMISSION'))
    using reader = SharedMemory.fromDescriptor(passed, { seals: ['write'], readonly: true })
    reader.bytes[0] = 1
    memory.bytes[0] = 2
    expect([...reader.read(0, 2)]).toEqual([1, 8])
    using another = SharedMemory.fromDescriptor(native().duplicate(memory.descriptor), { readonly: true })
    expect(another.bytes[0]).toBe(7)
  })

  it('with a name cannot be sealed, and says so', () => {
    using memory = SharedMemory.create(fresh(), 10)
    expect(() => memory.seal('shrink')).toThrow(code('PERMISSION'))
    expect(() => memory.seal('nothing' as 'seal')).toThrow(TypeError)
  })

  it('looks at seals and size of a descriptor before it maps', () => {
    using memory = SharedMemory.anonymous(100, { seals: ['grow'] })
    const descriptor = native().duplicate(memory.descriptor)
    const refused = (options: Parameters<typeof SharedMemory.fromDescriptor>[1]) =>
      expect(() => SharedMemory.fromDescriptor(descriptor, options))
    refused({ seals: ['shrink'] }).toThrow(/not sealed: shrink/)
    refused({ seals: ['grow', 'shrink'] }).toThrow(code('REFUSED'))
    refused({ size: 101 }).toThrow(code('REFUSED'))
    refused({ size: 0 }).toThrow(RangeError)
    ftruncateSync(descriptor, 99)
    refused({ size: 100, seals: ['grow'] }).toThrow(code('REFUSED'))
    ftruncateSync(descriptor, 0)
    refused({}).toThrow(code('REFUSED'))
    // It has stayed ours.
    expect(native().close(descriptor)).toBe(0)
  })

  it('maps as much as was asked for of memory that is larger', () => {
    using memory = SharedMemory.anonymous(100, { seals: ['shrink'] })
    using part = SharedMemory.fromDescriptor(native().duplicate(memory.descriptor), {
      size: 60,
      seals: ['shrink'],
    })
    expect([part.size, part.bytes.length, part.name]).toEqual([60, 60, undefined])
  })

  it('refuses descriptors that are no memory, and maps a file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'strait-test-'))
    try {
      const ends = new Int32Array(2)
      native().pipe(0, ends)
      for (const end of ends) {
        expect(() => SharedMemory.fromDescriptor(end)).toThrow(code('ADDRESS_INVALID'))
        native().close(end)
      }
      expect(() => SharedMemory.fromDescriptor(99_999)).toThrow(code('ADDRESS_INVALID'))
      writeFileSync(join(directory, 'file'), 'hello')
      const reading = openSync(join(directory, 'file'), 'r')
      expect(() => SharedMemory.fromDescriptor(reading)).toThrow(code('PERMISSION'))
      expect(() => SharedMemory.fromDescriptor(reading, { seals: ['shrink'], readonly: true })).toThrow(
        code('REFUSED'),
      )
      closeSync(reading)
      using file = SharedMemory.fromDescriptor(native().open(join(directory, 'file'), constants.O_RDWR, 0))
      expect(new TextDecoder().decode(file.read())).toBe('hello')
      expect(() => file.seal('shrink')).toThrow(code('NOT_SUPPORTED'))
      unlinkSync(join(directory, 'file'))
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
