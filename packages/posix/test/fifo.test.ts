import { spawn } from 'node:child_process'
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { StraitError } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { Fifo, PIPE_BUF, type PipeReader } from '../src/index.js'
import {
  BUILT,
  compile,
  described,
  inDirectory,
  NOBODY,
  noCompiler,
  node,
  noPython,
  notRoot,
  pattern,
  python,
  skippedUnlessRoot,
  skippedWithoutCompiler,
  skippedWithoutPython,
  start,
} from './support/others.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

/** So many bytes: without an end somebody must know when to stop. */
async function take(reader: PipeReader, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let left = length; left > 0; left -= parts.at(-1)!.length) {
    const part = await reader.read({ maxLength: left })
    if (part === undefined) throw new Error(`the end came ${left} bytes early`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Opens what another program is about to open too; until then it is REFUSED. */
async function until(open: () => Fifo): Promise<Fifo> {
  for (;;) {
    try {
      return open()
    } catch (error) {
      if (!StraitError.is(error, 'REFUSED')) throw error
      await setTimeout(5)
    }
  }
}

const withFifo = (work: (fifo: Fifo, path: string) => Promise<void>) =>
  inDirectory(async (directory) => {
    const path = join(directory, 'fifo')
    using fifo = Fifo.create(path)
    await work(fifo, path)
  })

describe('Fifo', () => {
  it('has the mode that was asked for, whatever the umask is', async () => {
    await inDirectory(async (directory) => {
      const modes = [undefined, 0o600, 0o666].map((mode, index) => {
        const path = join(directory, `${index}`)
        using _ = Fifo.create(path, { mode })
        return statSync(path).mode & 0o777
      })
      expect(modes).toEqual([0o600, 0o600, 0o666])
      for (const mode of [-1, 0o1000, 1.5])
        expect(() => Fifo.create(join(directory, 'x'), { mode })).toThrow(RangeError)
    })
  })

  it('carries bytes between those who opened its name', () =>
    withFifo(async (fifo, path) => {
      using other = Fifo.open(path)
      const reading = other.reader.read()
      await fifo.writer.write(pattern(10))
      expect(await reading).toEqual(pattern(10))
    }))

  it('sees no end as long as it is open for both', () =>
    withFifo(async (fifo, path) => {
      const writer = Fifo.open(path, { access: 'write' })
      writer.writer.writeSync(pattern(2))
      writer.close()
      expect(fifo.reader.tryRead()).toEqual(pattern(2))
      expect([fifo.reader.tryRead(), fifo.reader.ended]).toEqual([undefined, false])
      const next = fifo.reader.read()
      using another = Fifo.open(path, { access: 'write' })
      another.writer.writeSync(pattern(3))
      expect(await next).toEqual(pattern(3))
    }))

  it('waits for the first writer and sees the end of the last one when it is open for reading', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'fifo')
      Fifo.create(path).close()
      using fifo = Fifo.open(path, { access: 'read' })
      expect([fifo.reader.tryRead(), fifo.reader.ended]).toEqual([undefined, false])
      const first = fifo.reader.read()
      const writer = Fifo.open(path, { access: 'write' })
      await writer.writer.write(pattern(4))
      expect(await first).toEqual(pattern(4))
      const end = fifo.reader.read()
      writer.close()
      expect(await end).toBeUndefined()
      expect(fifo.reader.ended).toBe(true)
      expect(() => fifo.writer).toThrow(TypeError)
    })
  })

  it('is REFUSED for writing as long as nobody reads, and breaks when nobody does any more', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'fifo')
      Fifo.create(path).close()
      expect(() => Fifo.open(path, { access: 'write' })).toThrow(/nobody reads \(ENXIO\)/)
      expect(() => Fifo.open(path, { access: 'write' })).toThrow(code('REFUSED'))
      const reader = Fifo.open(path, { access: 'read' })
      using writer = Fifo.open(path, { access: 'write' })
      expect(() => writer.reader).toThrow(TypeError)
      while (writer.writer.tryWrite(new Uint8Array(PIPE_BUF)) !== undefined);
      const waiting = expect(writer.writer.write(pattern(1))).rejects.toEqual(code('RESET'))
      reader.close()
      await waiting
    })
  })

  it('is not made where something stands, and is made by one of two who open or create', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'fifo')
      using first = Fifo.openOrCreate(path, { mode: 0o640 })
      using second = Fifo.openOrCreate(path)
      expect(statSync(path).mode & 0o777).toBe(0o640)
      second.writer.writeSync(pattern(2))
      expect(first.reader.tryRead()).toEqual(pattern(2))
      expect(() => Fifo.create(path)).toThrow(code('ADDRESS_IN_USE'))
      expect(() => Fifo.open(join(directory, 'none'))).toThrow(code('REFUSED'))
      expect(() => Fifo.create(join(directory, 'none', 'fifo'))).toThrow(code('ADDRESS_INVALID'))
      expect(() => Fifo.openOrCreate(join(directory, 'none', 'fifo'))).toThrow(code('ADDRESS_INVALID'))
      expect(() => Fifo.create(join(directory, 'x'.repeat(256)))).toThrow(code('ADDRESS_INVALID'))
      expect(() => Fifo.create(`${path}\0`)).toThrow(TypeError)
    })
  })

  it('refuses planted links and whatever is no FIFO, with the reason', async () => {
    await inDirectory(async (directory) => {
      const at = (name: string) => join(directory, name)
      using fifo = Fifo.create(at('fifo'))
      symlinkSync(at('fifo'), at('link'))
      symlinkSync(at('nothing'), at('dangling'))
      writeFileSync(at('file'), 'text')
      mkdirSync(at('directory'))
      for (const open of [Fifo.open, Fifo.openOrCreate]) {
        expect(() => open(at('link'))).toThrow(code('PERMISSION'))
        expect(() => open(at('link'))).toThrow(/a symbolic link stands there/)
        expect(() => open(at('dangling'))).toThrow(code('PERMISSION'))
        expect(() => open(at('file'))).toThrow(/what stands there is not a FIFO/)
        for (const name of ['file', 'directory'])
          expect(() => open(at(name))).toThrow(code('ADDRESS_INVALID'))
        expect(() => open('/dev/null')).toThrow(code('ADDRESS_INVALID'))
      }
      for (const name of ['link', 'dangling', 'file', 'directory'])
        expect(() => Fifo.create(at(name))).toThrow(code('ADDRESS_IN_USE'))
      expect(readdirSync(directory).sort()).toEqual(['dangling', 'directory', 'fifo', 'file', 'link'])
      expect(fifo.reader.tryRead()).toBeUndefined()
    })
  })

  it('unlinks its name only as long as it is its own', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'fifo')
      using fifo = Fifo.create(path)
      unlinkSync(path)
      using heir = Fifo.create(path)
      expect(fifo.unlink()).toBe(false)
      expect(lstatSync(path).isFIFO()).toBe(true)
      expect(heir.unlink()).toBe(true)
      expect(readdirSync(directory)).toEqual([])
      expect(heir.unlink()).toBe(false)
      heir.writer.writeSync(pattern(1))
      expect(heir.reader.tryRead()).toEqual(pattern(1))
    })
  })

  it.skipIf(notRoot)(`refuses the FIFO of somebody else, unless he is trusted${skippedUnlessRoot}`, () =>
    withFifo(async (_, path) => {
      chownSync(path, 65534, 65534)
      expect(() => Fifo.open(path)).toThrow(/belongs to user 65534/)
      expect(() => Fifo.open(path)).toThrow(code('PERMISSION'))
      expect(() => Fifo.open(path, { owner: 1 })).toThrow(code('PERMISSION'))
      using trusted = Fifo.open(path, { owner: 65534 })
      expect(trusted.reader.tryRead()).toBeUndefined()
    }),
  )

  it.skipIf(notRoot)(`keeps other users out by its mode${skippedUnlessRoot}`, async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'fifo')
      chownSync(directory, 65534, 65534)
      using _ = Fifo.create(path)
      const program = `
        import { Fifo } from ${JSON.stringify(BUILT)}
        try { Fifo.open(${JSON.stringify(path)}) } catch (error) { console.log(error.code) }`
      expect(await node(program, NOBODY)).toEqual({ code: 0, out: 'ERR_STRAIT_PERMISSION\n' })
    })
  })

  it('is what cat reads and writes', () =>
    withFifo(async (fifo, path) => {
      const reading = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] })
      const printed = buffer(reading.stdout)
      // More than the FIFO holds, so that cat has it open when all is in.
      await fifo.writer.write(pattern(100_000))
      // The last one that can write: now cat sees the end.
      fifo.close()
      expect(described(await printed)).toBe(described(pattern(100_000)))

      using again = Fifo.open(path)
      const writing = start('sh', ['-c', 'echo hello > "$0"', path])
      expect(Buffer.from(await take(again.reader, 6)).toString()).toBe('hello\n')
      await writing.output
    }))

  it.skipIf(noCompiler)(`talks with C programs, both ways${skippedWithoutCompiler}`, async () => {
    await inDirectory(async (directory) => {
      const program = compile('bytes', directory)
      const path = join(directory, 'fifo')
      for (const length of [0, 1, 1_000_000]) {
        const bytes = pattern(length)
        Fifo.create(path).close()
        const reading = start(program, ['read', path])
        const writer = await until(() => Fifo.open(path, { access: 'write' }))
        await writer.writer.write(bytes)
        writer.close()
        expect(await reading.output).toBe(described(bytes))

        using reader = Fifo.open(path, { access: 'read' })
        const writing = start(program, ['write', path, `${length}`], {
          stdio: ['ignore', 'ignore', 'ignore'],
        })
        expect(described(await take(reader.reader, length))).toBe(described(bytes))
        expect(await reader.reader.read()).toBeUndefined()
        await writing.output
        reader.unlink()
      }
    })
  })

  it.skipIf(noPython)(`talks with Python, both ways${skippedWithoutPython}`, async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'fifo')
      using fifo = Fifo.create(path)
      const writing = python('fifo', 'write', path, 'from Python')
      expect(Buffer.from(await take(fifo.reader, 11)).toString()).toBe('from Python')
      await writing.output
      fifo.unlink()

      const made = python('fifo', 'make', path, 'made by Python')
      const theirs = await until(() => Fifo.open(path))
      expect(Buffer.from(await take(theirs.reader, 14)).toString()).toBe('made by Python')
      await made.output
      theirs.close()

      const reading = python('fifo', 'read', path)
      const writer = await until(() => Fifo.open(path, { access: 'write' }))
      await writer.writer.write(Buffer.from('from Node'))
      writer.close()
      expect(await reading.output).toBe('from Node')
    })
  })
})
