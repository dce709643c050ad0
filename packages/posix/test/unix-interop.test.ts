import { chownSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Pipe, PipeReader, UnixListener, UnixSocket } from '../src/index.js'
import {
  BUILT,
  compile,
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

const KINDS = ['stream', 'seqpacket'] as const

/** The other one sends a message and a pipe that holds "inside", then prints the message and the pipe that we send. */
async function exchange(
  kind: (typeof KINDS)[number],
  address: string,
  begin: (name: string) => { output: Promise<string> },
) {
  const where = address.startsWith('@') ? { abstract: address.slice(1) } : address
  using listener = UnixListener.listen(where, { kind })
  const { output } = begin(address)
  using socket = await listener.accept()
  const received = (await socket.receive({ maxDescriptors: 1 }))!
  using reader = PipeReader.fromDescriptor(received.descriptors[0]!.take())
  const inside = Buffer.from((await reader.read())!).toString()
  expect(await reader.read()).toBeUndefined()

  using pipe = Pipe.create()
  pipe.writer.writeSync(Buffer.from('ours'))
  await socket.send(Buffer.from('from Node'), { descriptors: [pipe.reader.descriptor] })
  return { text: Buffer.from(received.bytes).toString(), inside, printed: await output }
}

describe('UnixSocket and programs that know nothing of Strait', () => {
  it.skipIf(noCompiler)(`exchanges messages and descriptors with C${skippedWithoutCompiler}`, async () => {
    await inDirectory(async (directory) => {
      const program = compile('unix', directory)
      for (const kind of KINDS) {
        for (const address of [join(directory, kind), `@strait-test-${process.pid}-${kind}`]) {
          const begin = (name: string) => start(program, ['client', kind, name])
          const expected = { text: 'from C', inside: 'inside', printed: 'from Node, ours\n' }
          expect(await exchange(kind, address, begin)).toEqual(expected)
        }
      }
    })
  })

  it.skipIf(noPython)(`exchanges messages and descriptors with Python${skippedWithoutPython}`, async () => {
    await inDirectory(async (directory) => {
      for (const kind of KINDS) {
        for (const address of [join(directory, kind), `@strait-test-${process.pid}-${kind}`]) {
          const begin = (name: string) => python('unix', kind, name)
          const expected = { text: 'from Python', inside: 'inside', printed: 'from Node, ours, 1\n' }
          expect(await exchange(kind, address, begin)).toEqual(expected)
        }
      }
    })
  })

  it.skipIf(noCompiler)(
    `connects to a C program, which sends everything back${skippedWithoutCompiler}`,
    async () => {
      await inDirectory(async (directory) => {
        const program = compile('unix', directory)
        for (const kind of KINDS) {
          for (const address of [join(directory, kind), `@strait-test-${process.pid}-${kind}`]) {
            const { child, output } = start(program, ['echo', kind, address])
            await new Promise((resolve) => child.stdout!.once('data', resolve))
            using socket = UnixSocket.connect(
              address.startsWith('@') ? { abstract: address.slice(1) } : address,
              { kind },
            )
            expect(socket.peer?.pid).toBe(child.pid)
            const bytes = pattern(100_000)
            const sent = socket.send(bytes).then(() => socket.end())
            const parts: Uint8Array[] = []
            for (let part = await socket.receive(); part !== undefined; part = await socket.receive())
              parts.push(part.bytes)
            await sent
            expect(Buffer.concat(parts).equals(bytes)).toBe(true)
            expect(kind === 'stream' || parts.length === 1).toBe(true)
            await output
          }
        }
      })
    },
  )

  it.skipIf(noCompiler)(`exchanges datagrams with a C program${skippedWithoutCompiler}`, async () => {
    await inDirectory(async (directory) => {
      const program = compile('unix', directory)
      const path = join(directory, 'theirs')
      const { child, output } = start(program, ['echo', 'datagram', path])
      await new Promise((resolve) => child.stdout!.once('data', resolve))
      for (const own of [join(directory, 'ours'), { abstract: `strait-test-${process.pid}-datagram` }]) {
        using socket = UnixSocket.bind(own)
        for (const length of [0, 1, 50_000]) {
          await socket.send(pattern(length), { to: path })
          const { bytes, from } = (await socket.receive())!
          expect(from).toBe(path)
          expect(Buffer.from(pattern(length)).equals(bytes)).toBe(true)
        }
      }
      using last = UnixSocket.unbound()
      await last.send(Buffer.from('end'), { to: path })
      await output
    })
  })

  it.skipIf(notRoot)(
    `keeps other users out by its mode, and does not trust theirs${skippedUnlessRoot}`,
    async () => {
      await inDirectory(async (directory) => {
        chownSync(directory, 65534, 65534)
        const [ours, open, datagrams] = ['ours', 'open', 'datagrams'].map((name) => join(directory, name))
        using _ = UnixListener.listen(ours!)
        using listener = UnixListener.listen(open!, { mode: 0o666 })
        using __ = UnixSocket.bind(datagrams!)
        const program = `
        import { UnixListener, UnixSocket } from ${JSON.stringify(BUILT)}
        const attempt = (work) => { try { return work() } catch (error) { console.log(error.code) } }
        attempt(() => UnixSocket.connect(${JSON.stringify(ours)}))
        attempt(() => UnixSocket.connect(${JSON.stringify(datagrams)}, { kind: 'datagram' }))
        const socket = attempt(() => UnixSocket.connect(${JSON.stringify(open)}))
        await socket.send(new Uint8Array(1))`
        const ended = node(program, NOBODY)
        using socket = await listener.accept()
        expect(socket.peer).toMatchObject({ uid: 65534, gid: 65534 })
        expect(await ended).toEqual({ code: 0, out: 'ERR_STRAIT_PERMISSION\nERR_STRAIT_PERMISSION\n' })

        chownSync(ours!, 65534, 65534)
        expect(() => UnixSocket.connect(ours!)).toThrow(/belongs to user 65534/)
        UnixSocket.connect(ours!, { owner: 65534 }).close()
      })
    },
  )
})
