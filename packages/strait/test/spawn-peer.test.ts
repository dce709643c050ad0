import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { start } from '../../core/test/support/child.js'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { parentChannel, type SpawnedPeer, type SpawnOptions, StraitError, spawnPeer } from '../src/index.js'

const PEER = new URL('./support/peer.mjs', import.meta.url)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const utf8 = (message: string) => new TextEncoder().encode(message)
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

const peers: SpawnedPeer[] = []

async function peer(address: string, args: string[], options: SpawnOptions = {}): Promise<SpawnedPeer> {
  const started = await spawnPeer(address, PEER, { stdio: ['ignore', 'ignore', 'ignore'], args, ...options })
  peers.push(started)
  return started
}

afterEach(async () => {
  for (const { process } of peers) process?.kill('SIGKILL')
  await Promise.all(
    peers.splice(0).map(({ process, exited }) => (process === undefined ? undefined : exited)),
  )
})

const failureOf = (promise: Promise<unknown>): Promise<StraitError> =>
  promise.then(
    () => {
      throw new Error('it succeeded')
    },
    (error) => {
      expect(error).toBeInstanceOf(StraitError)
      return error
    },
  )

const isAlive = (pid: number) => {
  try {
    // A zombie that nobody has waited for is dead.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** The processes that this one has started, and that it has not yet seen the end of. */
const children = () =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return (
        readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1] === String(process.pid)
      )
    } catch {
      return false
    }
  })

describe.each(['unix:', 'tcp:', 'fork:', 'ws:'])('a peer over %s', (address) => {
  it('talks, and ends when the channel is closed', async () => {
    const { channel, pid, exited } = await peer(address, ['echo'])
    expect(pid).not.toBe(process.pid)
    await channel.send(utf8('hello'))
    expect(text(await channel.receive())).toBe('hello')
    await channel.close()
    expect(await exited).toEqual({ exitCode: 0, signal: null })
  })

  it('close waits for its end, await using does so too', async () => {
    const first = await peer(address, ['echo'])
    expect(await first.close()).toEqual({ exitCode: 0, signal: null })
    let pid: number
    {
      await using second = await peer(address, ['echo'])
      pid = second.pid
      expect(isAlive(pid)).toBe(true)
    }
    expect(isAlive(pid)).toBe(false)
  })

  it('parentChannel is always the same', async () => {
    const { channel } = await peer(address, ['same'])
    expect(await channel.receive()).toEqual(Uint8Array.of(1))
  })

  it('C13 its key is in no place where others could read it', async () => {
    const key = 'a-key-that-is-easy-to-find'
    const { channel, pid } = await peer(address, ['secrets'], { key })
    const said = text(await channel.receive())
    const places = ['environ', 'cmdline'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1'))
    for (const place of [said, ...places]) {
      expect(place).not.toContain(key)
      expect(place).not.toContain(Buffer.from(key).toString('base64'))
      expect(place).not.toContain(Buffer.from(key).toString('hex'))
    }
    // What tells the peer of its parent is not handed on to its own children.
    expect(Object.keys(JSON.parse(said).env)).not.toContain('STRAIT_PARENT')
  })

  it('C7 its exit code stands in the cause', async () => {
    const { channel, exited } = await peer(address, ['exit', '3'])
    const error = await failureOf(channel.receive())
    expect(error).toEqual(code('RESET'))
    expect(error.cause).toEqual({ exitCode: 3, signal: null })
    expect(error.message).toContain('3')
    expect((await channel.closed).error).toBe(error)
    expect(await exited).toEqual({ exitCode: 3, signal: null })
  })

  it('C7 so does its signal, also for a send that waits', async () => {
    const { channel, process: child } = await peer(address, ['hold'])
    while (channel.trySend(new Uint8Array(10_000)));
    const waiting = failureOf(channel.send(new Uint8Array(10_000)))
    const receiving = failureOf(channel.receive())
    child!.kill('SIGKILL')
    const error = await waiting
    expect(error).toEqual(code('RESET'))
    expect(error.cause).toEqual({ exitCode: null, signal: 'SIGKILL' })
    expect(await receiving).toBe(error)
    expect(await failureOf(channel.send(utf8('x')))).toBe(error)
  })

  it('that exits before it joins is RESET with the exit code', async () => {
    for (const exitCode of [0, 5]) {
      const error = await failureOf(peer(address, ['exit-before-joining', String(exitCode)]))
      expect(error).toEqual(code('RESET'))
      expect(error.cause).toEqual({ exitCode, signal: null })
    }
  })

  it('whose entry does not exist, or throws, is RESET with exit code 1', async () => {
    for (const entry of ['./support/none.mjs', './support/throws.mjs']) {
      const error = await failureOf(
        spawnPeer(address, new URL(entry, import.meta.url), { stdio: ['ignore', 'ignore', 'ignore'] }),
      )
      expect(error).toEqual(code('RESET'))
      expect(error.cause).toEqual({ exitCode: 1, signal: null })
    }
  })

  it('that cannot be started is SYSTEM, and wrong arguments leave nothing either', async () => {
    await expect(peer(address, ['echo'], { cwd: '/nonexistent' })).rejects.toEqual(code('SYSTEM'))
    await turns(20)
    const before = descriptors()
    await expect(peer(address, ['a\0b'])).rejects.toThrow()
    await turns(20)
    expect(descriptors()).toEqual(before)
  })

  it('C9 an abort during the start, at any moment, kills it', async () => {
    await expect(peer(address, ['echo'], { signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    await turns(20)
    const before = descriptors()
    const others = children()
    for (let turn = 0; turn < 6; turn++) {
      const controller = new AbortController()
      const starting = failureOf(peer(address, ['never-join'], { signal: controller.signal }))
      await turns(turn)
      controller.abort(new Error('changed my mind'))
      const error = await starting
      expect(error).toEqual(code('ABORTED'))
      expect(children()).toEqual(others)
    }
    // Their ends arrive as events of this process; when all are there, so are the descriptors.
    const sentinel = await peer(address, ['echo'])
    await sentinel.close()
    await turns(50)
    expect(descriptors()).toEqual(before)
  })

  it('C9 an abort after the start changes nothing', async () => {
    const controller = new AbortController()
    const { channel } = await peer(address, ['echo'], { signal: controller.signal })
    controller.abort()
    await channel.send(utf8('still here'))
    expect(text(await channel.receive())).toBe('still here')
  })

  it('C12 whose parent is killed ends', async () => {
    const { channel, process: child } = await peer(address, ['middle', address], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const pid = Number(text(await channel.receive()))
    expect(isAlive(pid)).toBe(true)
    // The grandchild holds this pipe too: it ends when both are gone.
    const ended = once(child!.stdout!.resume(), 'end')
    child!.kill('SIGKILL')
    await ended
    await failureOf(channel.receive())
  })

  it('ten at once, each its own process', async () => {
    const ten = await Promise.all(Array.from({ length: 10 }, () => peer(address, ['echo'])))
    expect(new Set(ten.map(({ pid }) => pid)).size).toBe(10)
    await Promise.all(ten.map(({ channel }, index) => channel.send(Uint8Array.of(index))))
    const answers = await Promise.all(ten.map(({ channel }) => channel.receive()))
    expect(answers.map((answer) => answer![0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const exits = await Promise.all(ten.map((one) => one.close()))
    expect(exits).toEqual(ten.map(() => ({ exitCode: 0, signal: null })))
  })

  it('C1 options reach it', async () => {
    const { channel } = await peer(address, ['echo'], { maxMessageSize: 100 })
    expect(channel.capabilities.maxMessageSize).toBe(100)
    await expect(channel.send(new Uint8Array(101))).rejects.toEqual(code('TOO_LARGE'))
    await channel.send(new Uint8Array(100))
    expect(await channel.receive()).toHaveLength(100)
  })

  it('C11 nothing is left, whether it is closed, killed or aborted', async () => {
    const warm = await peer(address, ['echo'])
    await warm.close()
    await turns(50)
    const before = descriptors()
    for (const end of ['close', 'kill', 'abort'] as const) {
      const one = await peer(address, ['lazy'])
      if (end === 'close') await one.close()
      else if (end === 'kill') one.kill('SIGKILL')
      else one.channel.abort()
      await one.exited
      await one.channel.closed
      await turns(50)
      expect(descriptors()).toEqual(before)
    }
  })
})

describe('a peer over mem:', () => {
  it('runs here, each evaluated anew, and parentChannel knows which it is', async () => {
    const ten = await Promise.all(Array.from({ length: 10 }, () => peer('mem:', [])))
    for (const { pid, process: child } of ten) {
      expect(pid).toBe(process.pid)
      expect(child).toBeUndefined()
    }
    await Promise.all(ten.map(({ channel }, index) => channel.send(Uint8Array.of(index))))
    const answers = await Promise.all(ten.map(({ channel }) => channel.receive()))
    expect(answers.map((answer) => answer![0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const one of ten) expect((await one.close()).exitCode).toBe(0)
  })

  it('that throws fails its channel with what it threw', async () => {
    const one = await spawnPeer('mem:', new URL('./support/throws.mjs', import.meta.url))
    const error = await failureOf(one.channel.receive())
    expect(error).toEqual(code('RESET'))
    expect(error.cause).toMatchObject({ exitCode: 1, error: { message: 'thrown on purpose' } })
    expect(await one.exited).toMatchObject({ exitCode: 1 })
  })

  it('that does not exist fails its channel too', async () => {
    const one = await spawnPeer('mem:', new URL('./support/none.mjs', import.meta.url))
    const error = await failureOf(one.channel.receive())
    expect(error.cause).toMatchObject({ exitCode: 1 })
  })
})

describe('parentChannel', () => {
  it('in a program that nobody spawned is NOT_SUPPORTED', async () => {
    await expect(parentChannel()).rejects.toEqual(code('NOT_SUPPORTED'))
    const orphan = start(new URL('./support/orphan.mjs', import.meta.url))
    expect(await orphan.line()).toBe('ERR_STRAIT_NOT_SUPPORTED')
    expect(await orphan.exit).toEqual({ code: 0, signal: null })
  })
})
