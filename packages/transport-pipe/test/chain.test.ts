import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type SpawnedPeer, spawnPeer } from '@strait/core/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { failure } from '../../rendezvous/test/support/ends.js'
import { pipe } from '../src/index.js'

const STAGE = new URL('./support/stage.mjs', import.meta.url)

/** Where a spawned peer has its two ends. */
const ENDS = [4, 5]

const encode = (text: string) => new Uint8Array(Buffer.from(text))
const decode = (bytes: Uint8Array | undefined) => Buffer.from(bytes!).toString()

let before: string[]
beforeEach(() => {
  before = descriptors()
})
afterEach(async () => {
  await turns(20)
  expect(descriptors().filter((each) => !before.includes(each))).toEqual([])
})

/** A chain of so many programs behind this one, and their pids, nearest first. */
async function chain(
  length: number,
): Promise<{ peer: SpawnedPeer; pids: number[]; said: Promise<string[]> }> {
  const peer = await spawnPeer(pipe, 'pipe:', STAGE, {
    args: [String(length - 1)],
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // All of them have it: it ends with the last of them.
  const stdout = peer.process!.stdout!
  const said = (async () => {
    const lines: string[] = []
    for await (const line of createInterface({ input: stdout })) lines.push(line)
    return lines.sort()
  })()
  await peer.channel.send(encode('pids'))
  const [, ...pids] = decode(await peer.channel.receive()).split(' ')
  expect(pids).toHaveLength(length)
  expect(Number(pids[0])).toBe(peer.pid)
  return { peer, pids: pids.map(Number), said }
}

const link = (pid: number, fd: number | string) => readlinkSync(`/proc/${pid}/fd/${fd}`)

/** How many descriptors each of these processes has for a pipe. */
const holders = (pipe: string, pids: readonly number[]) =>
  pids.map((pid) => readdirSync(`/proc/${pid}/fd`).filter((fd) => isFor(pipe, pid, fd)).length)

function isFor(pipe: string, pid: number, fd: string): boolean {
  try {
    return link(pid, fd) === pipe
  } catch {
    // It was the one that read the directory.
    return false
  }
}

describe('pipe: parent, child, grandchild', () => {
  it('each hop talks, and the end travels down the chain', async () => {
    const { peer, pids, said } = await chain(4)
    for (let i = 0; i < 20; i++) {
      await peer.channel.send(encode(`message ${i}`))
      expect(decode(await peer.channel.receive())).toBe(`message ${i} ${pids.join(' ')}`)
    }
    expect(await peer.close()).toEqual({ exitCode: 0, signal: null })
    expect(await said).toEqual(['0 clean', '1 clean', '2 clean', '3 clean'])
  })

  it('C11 each pipe is held by its two ends and by nobody else', async () => {
    const { peer, pids, said } = await chain(3)
    const all = [process.pid, ...pids]
    for (const [index, pid] of pids.entries()) {
      const pipes = ENDS.map((fd) => link(pid, fd))
      for (const each of pipes) {
        expect(each).toMatch(/^pipe:\[\d+\]$/)
        expect(holders(each, all)).toEqual(
          all.map((_, place) => (place === index || place === index + 1 ? 1 : 0)),
        )
      }
    }
    // Beside the two pipes this process has a lifeline, which says nothing, and the other's standard output.
    const gained = descriptors().filter((each) => !before.includes(each))
    expect(gained.filter((each) => each.includes('pipe:'))).toHaveLength(2)
    expect(gained.filter((each) => each.includes('socket:'))).toHaveLength(2)
    await peer.close()
    await said
  })

  it('C7 the middle one is killed: both its neighbours see RESET, and nobody is left', async () => {
    const { peer, pids, said } = await chain(3)
    process.kill(pids[1]!, 'SIGKILL')
    // The one behind it has no parent any more, which ends it; the one before it answers with what it saw.
    await peer.channel.send(encode('anybody there?'))
    expect(decode(await peer.channel.receive())).toBe('ERR_STRAIT_RESET')
    await peer.close()
    expect(await said).toEqual(['0 ERR_STRAIT_RESET', '2 clean'])
    for (const pid of pids) expect(existsSync(`/proc/${pid}/exe`)).toBe(false)
  })

  it('C7 the nearest one is killed: RESET here, and the end of all behind it', async () => {
    const { peer, said } = await chain(3)
    peer.kill('SIGKILL')
    await expect(peer.channel.receive()).rejects.toEqual(failure('RESET', 'SIGKILL'))
    expect(await peer.exited).toEqual({ exitCode: null, signal: 'SIGKILL' })
    expect(await said).toEqual(['0 ERR_STRAIT_RESET', '1 ERR_STRAIT_RESET'])
  })

  it('C7 the last one is killed: its parent sees RESET, and goes on talking to its own', async () => {
    const { peer, pids, said } = await chain(2)
    process.kill(pids[1]!, 'SIGKILL')
    for (let i = 0; i < 3; i++) {
      await peer.channel.send(encode('anybody there?'))
      expect(decode(await peer.channel.receive())).toBe('ERR_STRAIT_RESET')
    }
    expect(await peer.close()).toEqual({ exitCode: 0, signal: null })
    expect(await said).toEqual(['1 clean'])
  })
})

describe('pipe.pair', () => {
  it('C11 is two pipes and nothing else, gone with either end’s close', async () => {
    const [here, there] = await pipe.pair()
    const gained = descriptors().filter((each) => !before.includes(each))
    expect(gained.map((each) => each.replace(/^\d+ pipe:\[\d+\]$/, 'pipe'))).toEqual([
      'pipe',
      'pipe',
      'pipe',
      'pipe',
    ])
    await here.send(encode('x'))
    expect(decode(await there.receive())).toBe('x')
    await Promise.all([here.close(), there.close()])
  })

  it('C7 has two ends of which one can be aborted: RESET for the other', async () => {
    const [here, there] = await pipe.pair()
    here.abort()
    await expect(there.receive()).rejects.toEqual(failure('RESET'))
  })
})
