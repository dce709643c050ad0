import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  native,
  Pipe,
  PipeReader,
  type UnixAddress,
  type UnixKind,
  UnixListener,
  UnixSocket,
} from '../src/index.js'
import { inDirectory, pattern } from './support/others.js'

const KINDS: UnixKind[] = ['stream', 'seqpacket', 'datagram']
const CONNECTED = ['stream', 'seqpacket'] as const

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
let unique = 0
const abstract = () => ({ abstract: `strait-test-${process.pid}-${unique++}` })

function pair(kind: UnixKind): { near: UnixSocket; far: UnixSocket; [Symbol.dispose](): void } {
  const [near, far] = UnixSocket.pair(kind)
  return {
    near,
    far,
    [Symbol.dispose]() {
      near.close()
      far.close()
    },
  }
}

/** A listener and a connection to it. */
async function connection(kind: 'stream' | 'seqpacket', address: UnixAddress) {
  using listener = UnixListener.listen(address, { kind })
  const near = UnixSocket.connect(address, { kind })
  return { near, far: await listener.accept() }
}

async function take(socket: UnixSocket, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let left = length; left > 0; left -= parts.at(-1)!.length) {
    const received = await socket.receive({ maxLength: left })
    if (received === undefined) throw new Error(`the end came ${left} bytes early`)
    parts.push(received.bytes)
  }
  return Buffer.concat(parts)
}

describe.each(KINDS)('UnixSocket %s', (kind) => {
  it('carries what is sent, in order, in every form', async () => {
    using ends = pair(kind)
    await ends.near.send(pattern(1))
    expect(await ends.far.receive()).toEqual({
      bytes: pattern(1),
      descriptors: [],
      refused: 0,
      from: undefined,
    })
    ends.near.sendSync(pattern(2))
    expect(ends.far.receiveSync()?.bytes).toEqual(pattern(2))
    expect(ends.near.trySend(pattern(3))).toBe(3)
    expect(ends.far.tryReceive()?.bytes).toEqual(pattern(3))
    expect([ends.far.tryReceive(), ends.far.ended]).toEqual([undefined, false])
  })

  it('serves receives and sends in the order in which they were called', async () => {
    using ends = pair(kind)
    const receives = [1, 2, 3].map(() => ends.far.receive({ maxLength: 1 }))
    for (const byte of [1, 2, 3]) ends.near.sendSync(Uint8Array.of(byte))
    expect((await Promise.all(receives)).map((received) => received?.bytes[0])).toEqual([1, 2, 3])

    const sends = Promise.all(
      Array.from({ length: 60 }, (_, index) => ends.near.send(new Uint8Array(20_000).fill(index))),
    )
    for (let index = 0; index < 60; index++)
      expect(Buffer.alloc(20_000, index).equals(await take(ends.far, 20_000))).toBe(true)
    await sends
  })

  it('receives nothing in a receive that is aborted', async () => {
    using ends = pair(kind)
    await expect(ends.far.receive({ signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    const controller = new AbortController()
    const aborted = expect(ends.far.receive({ signal: controller.signal })).rejects.toEqual(code('ABORTED'))
    const next = ends.far.receive()
    controller.abort()
    ends.near.sendSync(pattern(5))
    await aborted
    expect((await next)?.bytes).toEqual(pattern(5))
  })

  it('sends nothing in a send that is aborted before its first byte', async () => {
    using ends = pair(kind)
    const part = new Uint8Array(10_000)
    let filled = 0
    for (let sent = ends.near.trySend(part); sent !== undefined; sent = ends.near.trySend(part))
      filled += sent
    const controller = new AbortController()
    const { signal } = controller
    const aborted = [7, 8].map((length) =>
      ends.near.send(pattern(length), { signal }).catch((error) => error),
    )
    const last = ends.near.send(pattern(9))
    controller.abort()
    for (const error of await Promise.all(aborted)) expect(error).toEqual(code('ABORTED'))
    await expect(ends.near.send(pattern(6), { signal })).rejects.toEqual(code('ABORTED'))
    expect(await take(ends.far, filled)).toHaveLength(filled)
    await last
    expect((await ends.far.receive())?.bytes).toEqual(pattern(9))
    expect(ends.far.tryReceive()).toBeUndefined()
  })

  it('blocks no longer than its timeout', () => {
    using ends = pair(kind)
    expect(() => ends.far.receiveSync({ timeout: 60 })).toThrow(code('TIMEOUT'))
    while (ends.near.trySend(new Uint8Array(10_000)) !== undefined);
    expect(() => ends.near.sendSync(pattern(1), { timeout: 0 })).toThrow(code('TIMEOUT'))
  })

  it('lets nobody wait once it is closed', async () => {
    using ends = pair(kind)
    while (ends.near.trySend(new Uint8Array(10_000)) !== undefined);
    const waiting = [ends.near.send(pattern(1)), ends.near.send(pattern(1)), ends.near.receive()]
    const settled = Promise.allSettled(waiting)
    ends.near.close()
    for (const result of await settled) expect(result).toEqual({ status: 'rejected', reason: code('CLOSED') })
    expect(() => ends.near.trySend(pattern(1))).toThrow(code('CLOSED'))
    expect(() => ends.near.tryReceive()).toThrow(code('CLOSED'))
    expect(() => ends.near.receiveSync()).toThrow(code('CLOSED'))
    await expect(ends.near.send(pattern(1))).rejects.toEqual(code('CLOSED'))
    await expect(ends.near.receive()).rejects.toEqual(code('CLOSED'))
  })

  it('passes descriptors, whose receiver has his own for the same open file', async () => {
    using ends = pair(kind)
    using pipe = Pipe.create()
    await ends.near.send(pattern(1), { descriptors: [pipe.reader.descriptor, pipe.writer.descriptor] })
    const { descriptors } = (await ends.far.receive({ maxDescriptors: 2 }))!
    expect(descriptors).toHaveLength(2)
    pipe.writer.writeSync(pattern(6))
    pipe.close()
    using reader = PipeReader.fromDescriptor(descriptors[0]!.take())
    expect(reader.tryRead()).toEqual(pattern(6))
    descriptors[0]!.close()
    expect(() => descriptors[0]!.descriptor).toThrow(code('CLOSED'))
    descriptors[1]!.close()
    expect(await reader.read()).toBeUndefined()
  })

  it('accepts no descriptors unless told how many, and closes the others', async () => {
    using ends = pair(kind)
    const pipe = Pipe.create()
    const { reader } = pipe
    const descriptors = Array.from({ length: 253 }, () => pipe.writer.descriptor)
    await ends.near.send(pattern(1), { descriptors })
    await ends.near.send(pattern(2), { descriptors })
    pipe.writer.close()
    const none = (await ends.far.receive({ maxLength: 1 }))!
    expect([none.bytes, none.descriptors, none.refused]).toEqual([pattern(1), [], 253])
    const some = (await ends.far.receive({ maxDescriptors: 3 }))!
    expect([some.bytes, some.descriptors.length, some.refused]).toEqual([pattern(2), 3, 250])
    const end = reader.read()
    for (const each of some.descriptors) each.close()
    expect(await end).toBeUndefined()
    reader.close()
    await expect(ends.near.send(pattern(1), { descriptors: [...descriptors, 0] })).rejects.toThrow(RangeError)
    await expect(ends.near.send(pattern(1), { descriptors: [1_000_000] })).rejects.toEqual(
      code('ADDRESS_INVALID'),
    )
  })

  it('takes over a descriptor of its kind', async () => {
    using ends = pair(kind)
    using adopted = UnixSocket.fromDescriptor(native().duplicate(ends.far.descriptor))
    expect(adopted.kind).toBe(kind)
    await adopted.send(pattern(3))
    expect((await ends.near.receive())?.bytes).toEqual(pattern(3))
  })
})

describe.each(CONNECTED)('UnixSocket %s', (kind) => {
  it('meets at a path, which has its mode and goes with the listener', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'socket')
      const listener = UnixListener.listen(path, { kind })
      expect([statSync(path).mode & 0o777, listener.address]).toEqual([0o600, path])
      expect(() => UnixListener.listen(path, { kind })).toThrow(code('ADDRESS_IN_USE'))
      expect(() => UnixListener.listen(path, { kind })).toThrow(/something has this address already/)
      using near = UnixSocket.connect(path, { kind })
      using far = await listener.accept()
      const me = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() }
      expect([near.peer, far.peer, far.kind]).toEqual([me, me, kind])
      listener.close()
      listener.close()
      expect(readdirSync(directory)).toEqual([])
      expect(() => UnixSocket.connect(path, { kind })).toThrow(code('REFUSED'))
      using open = UnixListener.listen(path, { kind, mode: 0o666 })
      expect(statSync(path).mode & 0o777).toBe(0o666)
      unlinkSync(path)
      using heir = UnixListener.listen(path, { kind })
      open.close()
      expect(readdirSync(directory)).toEqual(['socket'])
      expect(heir.closed).toBe(false)
    })
  })

  it('meets at an abstract name of exact length, and of any bytes', async () => {
    const bytes = Uint8Array.of(0, 255, 0, process.pid & 255, process.pid >> 8, kind.length)
    const longest = { abstract: `${abstract().abstract}-${'x'.repeat(107)}`.slice(0, 107) }
    for (const address of [abstract(), longest, { abstract: bytes }]) {
      const { near, far } = await connection(kind, address)
      expect(far.address).toEqual(address)
      await near.send(pattern(1))
      expect((await far.receive())?.bytes).toEqual(pattern(1))
      near.close()
      far.close()
    }
    const name = abstract()
    using _ = UnixListener.listen(name, { kind })
    expect(() => UnixListener.listen(name, { kind })).toThrow(code('ADDRESS_IN_USE'))
    expect(() => UnixSocket.connect({ abstract: `${name.abstract}\0` }, { kind })).toThrow(code('REFUSED'))
  })

  it('refuses addresses that do not fit, and never cuts them', () => {
    const path = `/tmp/${'x'.repeat(103)}`
    for (const address of ['', path, '/tmp/\0x', { abstract: '' }, { abstract: 'x'.repeat(108) }]) {
      expect(() => UnixListener.listen(address, { kind })).toThrow(code('ADDRESS_INVALID'))
      expect(() => UnixSocket.connect(address, { kind })).toThrow(code('ADDRESS_INVALID'))
    }
    expect(() => UnixListener.listen(path, { kind })).toThrow(/at most 107 bytes, not 108/)
  })

  it('refuses planted links and whatever is no such socket, with the reason', async () => {
    await inDirectory(async (directory) => {
      const at = (name: string) => join(directory, name)
      using _ = UnixListener.listen(at('socket'), { kind })
      symlinkSync(at('socket'), at('link'))
      writeFileSync(at('file'), 'text')
      expect(() => UnixSocket.connect(at('link'), { kind })).toThrow(code('PERMISSION'))
      expect(() => UnixSocket.connect(at('file'), { kind })).toThrow(code('ADDRESS_INVALID'))
      expect(() => UnixSocket.connect(at('socket'), { kind: 'datagram' })).toThrow(code('ADDRESS_INVALID'))
      expect(() => UnixListener.listen(at('link'), { kind })).toThrow(code('ADDRESS_IN_USE'))
      expect(() => UnixListener.listen(at('file'), { kind })).toThrow(
        /no socket, or one whose process is gone/,
      )
      expect(() => UnixListener.listen(at('none/socket'), { kind })).toThrow(code('ADDRESS_INVALID'))
      expect(readdirSync(directory).sort()).toEqual(['file', 'link', 'socket'])
      const file = openSync(at('file'), 'r')
      expect(() => UnixSocket.fromDescriptor(file)).toThrow(code('ADDRESS_INVALID'))
      closeSync(file)
      expect(() => UnixSocket.fromDescriptor(1_000_000)).toThrow(code('ADDRESS_INVALID'))
    })
  })

  it('says that the backlog is full rather than wait for it', async () => {
    const address = abstract()
    using listener = UnixListener.listen(address, { kind, backlog: 0 })
    const first = UnixSocket.connect(address, { kind })
    expect(() => UnixSocket.connect(address, { kind })).toThrow(
      /the backlog of the listener is full \(EAGAIN\)/,
    )
    expect(() => UnixSocket.connect(address, { kind })).toThrow(code('REFUSED'))
    const accepted = await listener.accept()
    using _ = UnixSocket.connect(address, { kind })
    accepted.close()
    first.close()
  })

  it('serves accepts in order, aborted ones not, and nobody once it is closed', async () => {
    const address = abstract()
    const listener = UnixListener.listen(address, { kind })
    expect(listener.tryAccept()).toBeUndefined()
    expect(() => listener.acceptSync({ timeout: 0 })).toThrow(code('TIMEOUT'))
    await expect(listener.accept({ signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    const controller = new AbortController()
    const aborted = expect(listener.accept({ signal: controller.signal })).rejects.toEqual(code('ABORTED'))
    const accepting = listener.accept()
    controller.abort()
    using near = UnixSocket.connect(address, { kind })
    using far = await accepting
    await aborted
    await near.send(pattern(1))
    expect((await far.receive())?.bytes).toEqual(pattern(1))
    using another = UnixSocket.connect(address, { kind })
    listener.acceptSync().close()
    expect(await another.receive()).toBeUndefined()

    const seen = (async () => {
      for await (const socket of listener) socket.close()
    })()
    using last = UnixSocket.connect(address, { kind })
    expect(await last.receive()).toBeUndefined()
    listener.close()
    await seen
    expect(() => listener.tryAccept()).toThrow(code('CLOSED'))
    await expect(listener.accept()).rejects.toEqual(code('CLOSED'))
  })

  it('ends one direction behind what was sent, and goes on with the other', async () => {
    using ends = pair(kind)
    const sends = Array.from({ length: 40 }, () => ends.near.send(new Uint8Array(30_000)))
    const ended = ends.near.end()
    expect(await take(ends.far, 40 * 30_000)).toHaveLength(40 * 30_000)
    expect(await ends.far.receive()).toBeUndefined()
    await Promise.all([...sends, ended])
    expect([ends.far.ended, ends.far.tryReceive(), ends.far.receiveSync()]).toEqual([
      true,
      undefined,
      undefined,
    ])
    await expect(ends.near.send(pattern(1))).rejects.toEqual(code('RESET'))
    await ends.far.send(pattern(4))
    expect((await ends.near.receive())?.bytes).toEqual(pattern(4))
  })

  it('hands out what a peer had sent before it went away without reading, and then says so', async () => {
    using ends = pair(kind)
    await ends.near.send(pattern(10))
    await ends.far.send(pattern(5))
    await ends.far.send(pattern(6))
    ends.far.close()
    expect(Buffer.from(await take(ends.near, 11))).toEqual(Buffer.concat([pattern(5), pattern(6)]))
    await expect(ends.near.receive()).rejects.toEqual(code('RESET'))
    expect(() => ends.near.tryReceive()).toThrow(code('RESET'))
    await expect(ends.near.send(pattern(1))).rejects.toEqual(code('RESET'))
  })
})

describe('UnixSocket stream', () => {
  it.each([0, 1, 1 << 16, 16 << 20])('carries %i bytes both ways at once', async (length) => {
    const { near, far } = await connection('stream', abstract())
    const [there, back] = [randomBytes(length), randomBytes(length)]
    const send = async (socket: UnixSocket, bytes: Uint8Array) => {
      await socket.send(bytes)
      await socket.end()
    }
    const [atFar, atNear] = await Promise.all([
      take(far, length),
      take(near, length),
      send(near, there),
      send(far, back),
    ])
    expect(there.equals(atFar) && back.equals(atNear)).toBe(true)
    expect([await far.receive(), await near.receive()]).toEqual([undefined, undefined])
    near.close()
    far.close()
  })

  it('goes on with a send that is aborted after its first byte', async () => {
    using ends = pair('stream')
    const controller = new AbortController()
    const bytes = randomBytes(1 << 20)
    const sent = ends.near.send(bytes, { signal: controller.signal })
    controller.abort()
    expect(ends.near.trySend(pattern(1))).toBeUndefined()
    expect(bytes.equals(await take(ends.far, bytes.length))).toBe(true)
    await sent
  })

  it('passes descriptors with a byte only', async () => {
    using ends = pair('stream')
    await expect(ends.near.send(new Uint8Array(0), { descriptors: [0] })).rejects.toThrow(RangeError)
    await expect(ends.near.send(pattern(1), { to: abstract() })).rejects.toThrow(TypeError)
  })
})

describe('UnixSocket seqpacket', () => {
  it('keeps boundaries, and an empty message of others is not its end', async () => {
    using ends = pair('seqpacket')
    for (const length of [1, 100_000, 3]) await ends.near.send(pattern(length))
    native().send(ends.near.descriptor, new Uint8Array(0))
    await ends.near.send(pattern(2))
    for (const length of [1, 100_000, 3, 0, 2])
      expect((await ends.far.receive())?.bytes).toEqual(pattern(length))
    await expect(ends.near.send(new Uint8Array(0))).rejects.toThrow(RangeError)
  })
})

describe.each(['seqpacket', 'datagram'] as const)('UnixSocket %s', (kind) => {
  it('says that a message is too long, on either side, and goes on', async () => {
    using ends = pair(kind)
    using pipe = Pipe.create()
    await expect(ends.near.send(new Uint8Array(16 << 20))).rejects.toEqual(code('TOO_LARGE'))
    await ends.near.send(pattern(101), { descriptors: [pipe.writer.descriptor] })
    await ends.near.send(pattern(100))
    pipe.writer.close()
    await expect(ends.far.receive({ maxLength: 100, maxDescriptors: 1 })).rejects.toEqual(code('TOO_LARGE'))
    expect((await ends.far.receive({ maxLength: 100 }))?.bytes).toEqual(pattern(100))
    expect(await pipe.reader.read()).toBeUndefined()
  })
})

describe('UnixSocket datagram', () => {
  it('goes to addresses and tells where it came from', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'socket')
      const name = abstract()
      const named = UnixSocket.bind(path)
      using other = UnixSocket.bind(name)
      using nameless = UnixSocket.unbound()
      expect(statSync(path).mode & 0o777).toBe(0o600)
      await other.send(pattern(0), { to: path })
      await nameless.send(pattern(1), { to: path })
      expect(await named.receive()).toMatchObject({ bytes: pattern(0), from: name })
      expect(await named.receive()).toMatchObject({ bytes: pattern(1), from: undefined })
      await named.send(pattern(2), { to: name })
      expect(await other.receive()).toMatchObject({ bytes: pattern(2), from: path })
      await expect(nameless.send(pattern(1))).rejects.toEqual(code('REFUSED'))
      await expect(nameless.send(pattern(1), { to: abstract() })).rejects.toEqual(code('REFUSED'))
      await expect(named.end()).rejects.toEqual(code('NOT_SUPPORTED'))
      expect(() => UnixSocket.bind(path)).toThrow(code('ADDRESS_IN_USE'))
      using connected = UnixSocket.connect(path, { kind: 'datagram' })
      named.close()
      expect(readdirSync(directory)).toEqual([])
      await expect(connected.send(pattern(1))).rejects.toEqual(code('REFUSED'))
      await expect(nameless.send(pattern(1), { to: path })).rejects.toEqual(code('REFUSED'))
    })
  })

  it.each([1, 60_000])(
    'waits for a receiver whose queue is full, with messages of %i bytes',
    async (length) => {
      const name = abstract()
      using receiver = UnixSocket.bind(name)
      using sender = UnixSocket.unbound()
      let sent = 0
      while (sender.trySend(new Uint8Array(length).fill(sent), { to: name }) !== undefined) sent++
      expect(() => sender.sendSync(pattern(1), { to: name, timeout: 60 })).toThrow(code('TIMEOUT'))
      const controller = new AbortController()
      const aborted = expect(
        sender.send(pattern(1), { to: name, signal: controller.signal }),
      ).rejects.toEqual(code('ABORTED'))
      controller.abort()
      await aborted
      const sends = [sent, sent + 1].map((byte) =>
        sender.send(new Uint8Array(length).fill(byte), { to: name }),
      )
      for (let byte = 0; byte < sent + 2; byte++) expect((await receiver.receive())?.bytes[0]).toBe(byte)
      await Promise.all(sends)

      while (sender.trySend(pattern(length), { to: name }) !== undefined);
      const closed = expect(sender.send(pattern(1), { to: name })).rejects.toEqual(code('CLOSED'))
      const refused = sender.send(pattern(1), { to: abstract() }).catch((error) => error)
      sender.close()
      await closed
      expect(await refused).toEqual(code('CLOSED'))
    },
  )
})
