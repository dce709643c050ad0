import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kind } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { type Child, start } from '../../core/test/support/child.js'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { connect, failure, fresh, listen, Refusals } from './support/ends.js'
import { hello, RawPeer } from './support/raw.js'
import { missing } from './support/tools.js'

const LISTENER = new URL('./support/listener.mjs', import.meta.url)
const EXHAUSTED = new URL('./support/exhausted.mjs', import.meta.url)
const noTools = missing('prlimit', 'strace')
const needs = noTools === undefined ? '' : ` (needs ${noTools})`

describe('C4 a flood of those who say nothing', () => {
  it('is bounded by the backlog, and the honest one still gets in', async () => {
    const backlog = 64
    const url = fresh()
    const before = descriptors()
    const refusals = new Refusals()
    const listener = await listen(url, { backlog })
    const flood: RawPeer[] = []
    for (let wave = 0; wave < 40; wave++) {
      for (let i = 0; i < 100; i++) flood.push(RawPeer.connect(url))
      await turns(3)
      // This process has both ends: those of the flood, and what the listener keeps of theirs.
      const kept = descriptors().length - before.length - flood.length
      expect(kept).toBeLessThan(backlog + 300)
    }
    const connected = await connect(url)
    const accepted = (await listener.accept())!
    await connected.send(Uint8Array.of(1))
    expect(await accepted.receive()).toEqual(Uint8Array.of(1))
    await refusals.count(flood.length - backlog)
    expect(new Set(refusals.codes)).toContain('ERR_STRAIT_NO_RESOURCES')
    expect(refusals.errors.find((error) => error.code === 'ERR_STRAIT_NO_RESOURCES')?.message).toContain(
      'the backlog of 64 is full',
    )
    for (const peer of flood) peer.close()
    await Promise.all([connected.close(), accepted.close()])
    await listener.close()
    refusals.stop()
    await turns(20)
    expect(descriptors()).toEqual(before)
  })

  it('hangs up on whoever has been greeting for longest, one at a time', async () => {
    const url = fresh()
    const listener = await listen(url, { backlog: 2 })
    const [first, second, third] = [RawPeer.connect(url), RawPeer.connect(url), RawPeer.connect(url)]
    expect((await first.rest()).length).toBe(1)
    // The other two may still greet.
    for (const peer of [second, third]) {
      peer.send(hello(preface()))
      await listener.accept()
    }
    for (const peer of [first, second, third]) peer.close()
    await listener.close()
  })

  it('of channels that nobody accepts leaves no room for newcomers, who are told', async () => {
    const url = fresh()
    const listener = await listen(url, { backlog: 2 })
    const waiting = [await connect(url), await connect(url)]
    await expect(connect(url)).rejects.toEqual(failure('REFUSED'))
    await listener.accept()
    waiting.push(await connect(url))
    for (const channel of waiting) channel.abort()
    await listener.close()
  })
})

describe('a slow peer', () => {
  it('that greets byte by byte is in time, or is not, by the one time that a handshake has', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await listen(url, { handshakeTimeout: 300 })
    const patient = RawPeer.connect(url)
    for (const byte of preface()) expect(patient.send(hello(Uint8Array.of(byte)))).toBe(true)
    await (await listener.accept())!.close({ signal: AbortSignal.abort() }).catch(() => {})
    const slow = RawPeer.connect(url)
    // Every byte is a sign of life and none is a new lease: it goes on until it is hung up on.
    const dripping = setInterval(() => slow.send(hello(new Uint8Array(0))), 20)
    await slow.rest()
    clearInterval(dripping)
    await refusals.count(1)
    expect(refusals.errors).toEqual([failure('TIMEOUT', 'within 300 ms')])
    refusals.stop()
    patient.close()
    slow.close()
    await listener.close()
  })

  it('that says nothing at all is hung up on', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await listen(url, { handshakeTimeout: 50 })
    const silent = RawPeer.connect(url)
    expect((await silent.rest()).map(([kind]) => kind)).toEqual([Kind.HELLO])
    expect(refusals.errors).toEqual([failure('TIMEOUT')])
    refusals.stop()
    silent.close()
    await listener.close()
  })
})

describe.skipIf(noTools !== undefined)(`without descriptors${needs}`, () => {
  const limit = (child: Child, files: number) =>
    execFileSync('prlimit', ['--pid', String(child.process.pid), `--nofile=${files}:`])
  /** The limit is one of numbers: what lies above it was opened before, and does not count. */
  const open = (child: Child, below: number) =>
    readdirSync(`/proc/${child.process.pid}/fd`).filter((fd) => Number(fd) < below).length

  /** A listener, and how many descriptors it may have more. */
  async function limited(url: URL): Promise<{ child: Child; room: number }> {
    const child = start(LISTENER, [url.href])
    expect(await child.line()).toBe('ready')
    limit(child, 32)
    return { child, room: 32 - open(child, 32) }
  }

  /** How many of these system calls the child makes within a second. */
  async function calls(child: Child, name: string): Promise<number> {
    const directory = mkdtempSync(join(tmpdir(), 'strait-trace-'))
    const out = join(directory, 'out')
    const args = ['1', 'strace', '-f', '-e', `trace=${name}`, '-o', out, '-p', String(child.process.pid)]
    const tracer = spawn('timeout', ['-s', 'INT', ...args], { stdio: 'ignore' })
    await once(tracer, 'exit')
    const lines = readFileSync(out, 'utf8').split('\n')
    rmSync(directory, { recursive: true })
    return lines.filter((line) => line.includes(`${name}(`)).length
  }

  it('a listener turns newcomers away, tells, does not spin, and goes on when there are some again', async () => {
    const url = fresh()
    const { child, room } = await limited(url)
    const silent = Array.from({ length: room + 5 }, () => RawPeer.connect(url))
    for (let told = 0; told < 5; told++) expect(await child.line()).toBe('ERR_STRAIT_NO_RESOURCES')
    for (const peer of silent.slice(room)) expect(await peer.rest()).toEqual([])
    expect(await calls(child, 'accept4')).toBe(0)
    for (const peer of silent) peer.close()
    for (let told = 0; told < room; told++) expect(await child.line()).toBe('ERR_STRAIT_REFUSED')
    const channel = await connect(url)
    await channel.send(Uint8Array.of(1))
    expect(await channel.receive()).toEqual(Uint8Array.of(1))
    await channel.close()
    await child.kill()
  })

  it('a listener whose last descriptor went to the last newcomer has turned nobody away', async () => {
    const url = fresh()
    const { child, room } = await limited(url)
    const silent = Array.from({ length: room }, () => RawPeer.connect(url))
    for (const peer of silent) expect((await peer.receive())?.[0]).toBe(Kind.HELLO)
    for (const peer of silent) peer.close()
    for (let told = 0; told < room; told++) expect(await child.line()).toBe('ERR_STRAIT_REFUSED')
    await child.kill()
  })

  it('a listener that cannot even turn anybody away does not spin, and goes on when there are some again', async () => {
    const url = fresh()
    const child = start(LISTENER, [url.href])
    expect(await child.line()).toBe('ready')
    limit(child, 3)
    const waiting = RawPeer.connect(url)
    expect(await child.line()).toBe('ERR_STRAIT_NO_RESOURCES')
    expect(await calls(child, 'accept4')).toBeLessThan(100)
    limit(child, 1024)
    // The greeting of the listener: it has been accepted after all.
    expect((await waiting.receive())?.[0]).toBe(Kind.HELLO)
    waiting.close()
    await child.kill()
  })

  /** What came of it with no descriptor left, with one, and so on. */
  async function outcomes(operation: string, url: URL): Promise<string[]> {
    const child = start(EXHAUSTED, [operation, url.href])
    const results: string[] = []
    while (results.at(-1) !== 'ok') results.push(await child.line())
    expect(await child.exit).toEqual({ code: 0, signal: null })
    return results
  }

  it('a listener is not made half: NO_RESOURCES until there are enough, and the name stays free', async () => {
    const results = await outcomes('listen', fresh())
    expect(results).toEqual(['ERR_STRAIT_NO_RESOURCES', 'ERR_STRAIT_NO_RESOURCES', 'ok'])
  })

  it('who connects is told so', async () => {
    const url = fresh()
    const listener = await listen(url)
    expect(await outcomes('connect', url)).toEqual(['ERR_STRAIT_NO_RESOURCES', 'ok'])
    await listener.close()
  })

  it('who receives some without room for them is told so, not that the peer misbehaves', async () => {
    const results = await outcomes('receive', fresh())
    expect(results).toEqual(['ERR_STRAIT_NO_RESOURCES', 'ERR_STRAIT_NO_RESOURCES', 'ok'])
  })
})
