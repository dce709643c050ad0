import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { StraitError } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { native, PIPE_BUF, Pipe, PipeReader, PipeWriter } from '../src/index.js'
import {
  BUILT,
  compile,
  described,
  inDirectory,
  NOBODY,
  noCompiler,
  node,
  notRoot,
  pattern,
  skippedWithoutCompiler,
  start,
} from './support/others.js'

const digest = (parts: Iterable<Uint8Array>) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

async function everything(reader: PipeReader): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  for await (const part of reader) parts.push(part)
  return parts
}

/** Writes until nothing more goes in; how many bytes went. */
function fill(writer: PipeWriter): number {
  const page = new Uint8Array(PIPE_BUF)
  let total = 0
  while (writer.tryWrite(page) !== undefined) total += page.length
  return total
}

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

describe('Pipe', () => {
  it.each([0, 1, PIPE_BUF, 65_537, 1 << 20, 16 << 20])(
    'carries %i bytes and then the end',
    async (length) => {
      using pipe = Pipe.create()
      const bytes = randomBytes(length)
      const written = pipe.writer.write(bytes).then(() => pipe.writer.close())
      const parts = await everything(pipe.reader)
      await written
      expect(digest(parts)).toBe(digest([bytes]))
      expect(pipe.reader.ended).toBe(true)
      expect(await pipe.reader.read()).toBeUndefined()
    },
  )

  it('carries 16 MiB both ways at once through two pipes', async () => {
    using there = Pipe.create()
    using back = Pipe.create()
    const bytes = randomBytes(16 << 20)
    const send = async (pipe: Pipe) => {
      await pipe.writer.write(bytes)
      pipe.writer.close()
    }
    const [first, second] = await Promise.all([
      everything(there.reader),
      everything(back.reader),
      send(there),
      send(back),
    ])
    expect([digest(first), digest(second)]).toEqual([digest([bytes]), digest([bytes])])
  })

  it('tells nothing now from the end', () => {
    using pipe = Pipe.create()
    expect([pipe.reader.tryRead(), pipe.reader.ended]).toEqual([undefined, false])
    expect(pipe.writer.tryWrite(pattern(3))).toBe(3)
    pipe.writer.close()
    expect([pipe.reader.tryRead(), pipe.reader.ended]).toEqual([pattern(3), false])
    expect([pipe.reader.tryRead(), pipe.reader.ended]).toEqual([undefined, true])
  })

  it('hands out bytes that are nobody else’s, at most as many as asked for', () => {
    using pipe = Pipe.create()
    pipe.writer.writeSync(pattern(10))
    const first = pipe.reader.readSync({ maxLength: 4 })!
    const second = pipe.reader.readSync()!
    expect([first, second]).toEqual([pattern(10).subarray(0, 4), pattern(10).subarray(4)])
    expect([first.buffer.byteLength, second.buffer.byteLength]).toEqual([4, 6])
  })

  it('takes up to PIPE_BUF bytes whole or not at all', async () => {
    using pipe = Pipe.create({ size: PIPE_BUF })
    expect(pipe.writer.tryWrite(new Uint8Array(PIPE_BUF - 1))).toBe(PIPE_BUF - 1)
    expect(pipe.writer.tryWrite(new Uint8Array(2))).toBeUndefined()
    expect((await pipe.reader.read())?.length).toBe(PIPE_BUF - 1)
    expect(pipe.writer.tryWrite(new Uint8Array(2))).toBe(2)
  })

  it('has the size that was asked for', () => {
    using pipe = Pipe.create({ size: 1 << 18 })
    expect(pipe.size).toBe(1 << 18)
    expect(fill(pipe.writer)).toBe(1 << 18)
    expect(() => Pipe.create({ size: 0 })).toThrow(RangeError)
    expect(() => Pipe.create({ size: 2 ** 31 })).toThrow(RangeError)
  })

  it('says which limit a larger pipe of a mere user meets', async () => {
    const code = `
      import { Pipe } from ${JSON.stringify(BUILT)}
      try { Pipe.create({ size: 1 << 30 }) } catch (error) { console.log(error.code, error.message) }`
    const { out } = await node(code, notRoot ? [] : NOBODY)
    expect(out).toMatch(/^ERR_STRAIT_NO_RESOURCES .*`sysctl fs\.pipe-max-size/)
  })

  it('serves reads and writes in the order in which they were called', async () => {
    using pipe = Pipe.create()
    const reads = [1, 2, 3].map(() => pipe.reader.read({ maxLength: 1 }))
    pipe.writer.writeSync(pattern(3))
    expect(await Promise.all(reads)).toEqual([0, 1, 2].map((byte) => Uint8Array.of(byte)))

    const parts = [1, 2, 3].map((byte) => new Uint8Array(100_000).fill(byte))
    const writes = Promise.all(parts.map((part) => pipe.writer.write(part))).then(() => pipe.writer.close())
    expect(digest(await everything(pipe.reader))).toBe(digest(parts))
    await writes
  })

  it('reads nothing in a read that is aborted', async () => {
    using pipe = Pipe.create()
    await expect(pipe.reader.read({ signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    const controller = new AbortController()
    const aborted = expect(pipe.reader.read({ signal: controller.signal })).rejects.toEqual(code('ABORTED'))
    const next = pipe.reader.read()
    controller.abort()
    pipe.writer.writeSync(pattern(5))
    await aborted
    expect(await next).toEqual(pattern(5))
  })

  it('writes nothing in a write that is aborted before its first byte', async () => {
    using pipe = Pipe.create()
    const size = fill(pipe.writer)
    const controller = new AbortController()
    const { signal } = controller
    const waiting = expect(pipe.writer.write(pattern(7), { signal })).rejects.toEqual(code('ABORTED'))
    const behind = expect(pipe.writer.write(pattern(8), { signal })).rejects.toEqual(code('ABORTED'))
    const last = pipe.writer.write(pattern(9))
    await expect(pipe.writer.write(pattern(6), { signal: AbortSignal.abort() })).rejects.toEqual(
      code('ABORTED'),
    )
    controller.abort()
    await Promise.all([waiting, behind])
    let read = 0
    while (read < size) read += pipe.reader.readSync({ maxLength: size - read })!.length
    await last
    expect(pipe.reader.tryRead()).toEqual(pattern(9))
  })

  it('goes on with a write that is aborted after its first byte', async () => {
    using pipe = Pipe.create()
    const controller = new AbortController()
    const bytes = randomBytes(200_000)
    const written = pipe.writer.write(bytes, { signal: controller.signal }).then(() => pipe.writer.close())
    controller.abort()
    expect(digest(await everything(pipe.reader))).toBe(digest([bytes]))
    await written
  })

  it('lets nothing come between the parts of a write', async () => {
    using pipe = Pipe.create()
    const first = pipe.writer.write(new Uint8Array(100_000).fill(1))
    expect(pipe.writer.tryWrite(Uint8Array.of(2))).toBeUndefined()
    expect(() => pipe.writer.writeSync(Uint8Array.of(2), { timeout: 0 })).toThrow(/of 100000 bytes out/)
    const parts: Uint8Array[] = []
    for (let read = 0; read < 100_000; read += parts.at(-1)!.length) parts.push((await pipe.reader.read())!)
    await first
    pipe.writer.writeSync(Uint8Array.of(2))
    pipe.writer.close()
    expect(digest(parts)).toBe(digest([new Uint8Array(100_000).fill(1)]))
    expect(await everything(pipe.reader)).toEqual([Uint8Array.of(2)])
  })

  it('blocks no longer than its timeout', () => {
    using pipe = Pipe.create()
    expect(() => pipe.reader.readSync({ timeout: 60 })).toThrow(code('TIMEOUT'))
    fill(pipe.writer)
    expect(() => pipe.writer.writeSync(pattern(1), { timeout: 0 })).toThrow(code('TIMEOUT'))
  })

  it('tells the writer when nobody can read any more', async () => {
    using pipe = Pipe.create()
    fill(pipe.writer)
    const waiting = expect(pipe.writer.write(pattern(1))).rejects.toEqual(code('RESET'))
    pipe.reader.close()
    await waiting
    expect(() => pipe.writer.tryWrite(pattern(1))).toThrow(code('RESET'))
    expect(() => pipe.writer.writeSync(pattern(1))).toThrow(code('RESET'))
  })

  it('lets nobody wait on an end that is closed', async () => {
    const pipe = Pipe.create()
    fill(pipe.writer)
    const writes = [pipe.writer.write(pattern(1)), pipe.writer.write(pattern(1))]
    const settled = Promise.allSettled(writes)
    pipe.writer.close()
    for (const result of await settled) expect(result).toEqual({ status: 'rejected', reason: code('CLOSED') })
    pipe.reader.close()
    pipe.close()
    expect(() => pipe.reader.tryRead()).toThrow(code('CLOSED'))
    expect(() => pipe.reader.descriptor).toThrow(code('CLOSED'))
    await expect(pipe.reader.read()).rejects.toEqual(code('CLOSED'))
    await expect(pipe.writer.write(pattern(1))).rejects.toEqual(code('CLOSED'))

    using another = Pipe.create()
    const read = expect(another.reader.read()).rejects.toEqual(code('CLOSED'))
    another.reader.close()
    await read
  })

  it('takes over descriptors of pipes, and nothing else', async () => {
    using pipe = Pipe.create()
    using reader = PipeReader.fromDescriptor(dup(pipe.reader.descriptor))
    using writer = PipeWriter.fromDescriptor(dup(pipe.writer.descriptor))
    await writer.write(pattern(4))
    expect(await reader.read()).toEqual(pattern(4))
    expect(() => PipeReader.fromDescriptor(pipe.writer.descriptor)).toThrow(code('ADDRESS_INVALID'))
    expect(() => PipeWriter.fromDescriptor(pipe.reader.descriptor)).toThrow(code('ADDRESS_INVALID'))
    expect(() => PipeReader.fromDescriptor(1_000_000)).toThrow(code('ADDRESS_INVALID'))
    expect(pipe.writer.tryWrite(pattern(1))).toBe(1)
  })

  it('refuses what cannot be a length', async () => {
    using pipe = Pipe.create()
    for (const maxLength of [0, -1, 1.5, Number.NaN])
      await expect(pipe.reader.read({ maxLength })).rejects.toThrow(RangeError)
    expect(await pipe.reader.read({ signal: AbortSignal.abort() }).catch((error) => error)).toBeInstanceOf(
      StraitError,
    )
  })

  it.skipIf(noCompiler)(
    `gives its ends to C programs, which block on them${skippedWithoutCompiler}`,
    async () => {
      await inDirectory(async (directory) => {
        const program = compile('bytes', directory)
        using down = Pipe.create()
        using up = Pipe.create()
        const bytes = pattern(1_000_000)
        const reading = start(program, ['read', '-'], { stdio: [down.reader.descriptor, 'pipe', 'inherit'] })
        const writing = start(program, ['write', '-', '1000000'], {
          stdio: ['ignore', up.writer.descriptor, 'ignore'],
        })
        down.reader.close()
        up.writer.close()
        await down.writer.write(bytes)
        down.writer.close()
        expect(await reading.output).toBe(described(bytes))
        expect(digest(await everything(up.reader))).toBe(digest([bytes]))
        await writing.output
      })
    },
  )

  it('shows the death of whoever had the other end', async () => {
    using down = Pipe.create()
    using up = Pipe.create()
    const child = spawn('cat', { stdio: [down.reader.descriptor, up.writer.descriptor, 'inherit'] })
    down.reader.close()
    up.writer.close()
    await down.writer.write(pattern(3))
    expect(await up.reader.read()).toEqual(pattern(3))
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    expect(await up.reader.read()).toBeUndefined()
    await exited
    await expect(down.writer.write(pattern(1))).rejects.toEqual(code('RESET'))
  })
})

/** A descriptor of its own for the same open file, which the taker closes. */
const dup = (descriptor: number) => native().duplicate(descriptor)
