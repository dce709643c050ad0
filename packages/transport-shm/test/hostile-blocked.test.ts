import { readFileSync } from 'node:fs'
import { Kind } from '@strait/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Child, start } from '../../core/test/support/child.js'
import { type Attack, BELLS, RECORDS, ROOM } from './support/attacks.js'
import { fresh, nothingIsLeft, until } from './support/ends.js'
import { RawEnd } from './support/raw.js'

const VICTIM = new URL('./support/victim.mjs', import.meta.url)
const SCRIBBLER = new URL('./support/scribbler.mjs', import.meta.url)

const url = fresh('?ring=4096')
let victim: Child
let peer: RawEnd | undefined
beforeAll(async () => {
  victim = start(VICTIM, [url.href])
  expect(await victim.line()).toBe('listening')
})
afterAll(() => victim.kill())
nothingIsLeft()
afterEach(() => peer?.close())

/** An end whose other end is in the hands of the victim, who does this with it. */
async function against(what: string): Promise<RawEnd> {
  victim.say(what)
  peer = await RawEnd.connect(url)
  expect(await victim.line()).toBe('ready')
  return peer
}

/** Nothing runs in the victim meanwhile. */
async function whileStopped(attack: () => void | Promise<void>): Promise<void> {
  const { pid } = victim.process
  victim.process.kill('SIGSTOP')
  await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
  await attack()
  victim.process.kill('SIGCONT')
}

const each = (attacks: Record<string, Attack>) =>
  Object.entries(attacks).map(([name, [attack, code = 'CORRUPT']]) => [name, code, attack] as const)

describe('C13 a thread that is blocked in receiveSync', () => {
  it.each(each(RECORDS))('%s ends it as %s', async (_, code, attack) => {
    const peer = await against('receiveSync')
    peer.send(Kind.DATA, new Uint8Array(4))
    await until(() => peer.readerSleeps)
    await attack(peer)
    expect(await victim.line()).toBe(`ERR_STRAIT_${code}`)
    await peer.gone
  })

  it.each(each(BELLS))('%s ends it as %s', async (_, code, attack) => {
    const peer = await against('receiveSync')
    await until(() => peer.readerSleeps)
    await whileStopped(() => attack(peer))
    expect(await victim.line()).toBe(`ERR_STRAIT_${code}`)
  })

  it('an end ends it well, and a hang-up as RESET', async () => {
    const first = await against('receiveSync')
    await until(() => first.readerSleeps)
    first.send(Kind.END, new Uint8Array(0))
    expect(await victim.line()).toBe('end')
    first.close()
    const second = await against('receiveSync')
    await until(() => second.readerSleeps)
    second.close()
    expect(await victim.line()).toBe('ERR_STRAIT_RESET')
  })
})

describe('C13 a thread that is blocked in sendSync', () => {
  it.each(each(ROOM))('%s, said to be read, ends it as %s', async (_, code, attack) => {
    const peer = await against('sendSync')
    await attack(peer)
    expect(await victim.line()).toBe(`ERR_STRAIT_${code}`)
    await peer.gone
  })

  it.each(each(BELLS))('%s ends it as %s', async (_, code, attack) => {
    const peer = await against('sendSync')
    await until(() => peer.writerSleeps)
    await whileStopped(() => attack(peer))
    expect(await victim.line()).toBe(`ERR_STRAIT_${code}`)
  })
})

describe('C13 memory that changes while it is looked at', () => {
  const ROUNDS = 15
  const MAY_COME = ['CORRUPT', 'TOO_LARGE', 'TRUNCATED', 'RESET', 'CLOSED'].map(
    (code) => `ERR_STRAIT_${code}`,
  )

  it.each([
    ['receive send', 1],
    ['receiveSync', 2],
    ['sendSync', 3],
    ['receiveLease claim', 4],
  ])('ends `%s` with one of a few codes, and never the process', async (what, seed) => {
    for (let round = 0; round < ROUNDS; round++) victim.say(what)
    const scribbler = start(SCRIBBLER, [url.href, String(ROUNDS), String(seed)])
    try {
      for (let round = 0; round < ROUNDS; round++) {
        expect(await victim.line()).toBe('ready')
        expect([...MAY_COME, 'end']).toContain(await victim.line())
      }
      expect(await scribbler.exit).toEqual({ code: 0, signal: null })
    } finally {
      await scribbler.kill()
    }
  })
})

it('the victim of all these has nothing left of them, and still serves', async () => {
  const before = readFileSync(`/proc/${victim.process.pid}/maps`, 'utf8').match(/memfd:/g)
  expect(before).toBeNull()
  const peer = await against('receive')
  peer.send(Kind.END, new Uint8Array(0))
  expect(await victim.line()).toBe('end')
})
