import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { turns } from '../../core/test/support/leftovers.js'
import { cpuQuota } from '../src/cpu-quota.js'
import type { ShmChannel } from '../src/index.js'
import { fill, nothingIsLeft, text, two, until, utf8 } from './support/ends.js'

nothingIsLeft()

const [, allowed] = /^Cpus_allowed:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!
const processors = BigInt(`0x${allowed!.replaceAll(',', '')}`)
  .toString(2)
  .replaceAll('0', '').length
/** Where there is one processor for both ends, nobody waits awake. */
const scarce = cpuQuota() < 2 || processors < 2

/** Silence until an end sleeps; then a message, which it receives. Whether it has looked before it slept. */
async function waitInVain(from: ShmChannel, to: ShmChannel): Promise<boolean> {
  const before = to.stats()
  from.trySend(utf8('x'))
  await to.receive()
  await until(() => to.stats().parks > before.parks)
  return to.stats().polls > before.polls
}

/** A message, which begins a new wait. Whether that looks; otherwise it sleeps. */
async function beginsAwake(from: ShmChannel, to: ShmChannel): Promise<boolean> {
  const before = to.stats()
  from.trySend(utf8('x'))
  await to.receive()
  await until(() => to.stats().polls > before.polls || to.stats().parks > before.parks)
  return to.stats().parks === before.parks
}

/** Of the waits in vain behind one that has looked: how many have slept at once until the next one that looks. */
async function nextGap(from: ShmChannel, to: ShmChannel): Promise<number> {
  let gap = 0
  while (!(await waitInVain(from, to)) && gap < 1_000) gap++
  return gap
}

async function exchange(here: ShmChannel, there: ShmChannel, rounds: number): Promise<void> {
  const echo = (async () => {
    for (let i = 0; i < rounds; i++) await there.send((await there.receive())!)
  })()
  for (let i = 0; i < rounds; i++) {
    await here.send(utf8(`${i}`))
    expect(text(await here.receive())).toBe(`${i}`)
  }
  await echo
}

describe('an end that waits by park', () => {
  it('never polls and never spins, and sleeps as soon as nothing is there', async () => {
    const [here, there] = await two('?wait=park')
    await exchange(here, there, 200)
    expect(() => there.receiveSync({ timeout: 10 })).toThrow()
    fill(here, new Uint8Array(1_000))
    await until(() => here.stats().parks > 0 && there.stats().parks > 0)
    for (const { polls, spins, parks } of [here.stats(), there.stats()]) {
      expect([polls, spins]).toEqual([0, 0])
      expect(parks).toBeGreaterThan(0)
    }
  })

  it('is woken by each message that finds it asleep', async () => {
    const [here, there] = await two('?wait=park')
    await until(() => there.stats().parks === 1)
    expect(there.stats().wakeUps).toBe(0)
    for (let i = 1; i <= 10; i++) {
      const receiving = there.receive()
      await here.send(utf8('x'))
      await receiving
      await until(() => there.stats().parks === i + 1)
      expect(there.stats().wakeUps).toBe(i)
    }
  })
})

describe('an end that waits by spin', () => {
  it('never sleeps, however long nothing comes, and lets timers and others have their turns', async () => {
    const [here, there] = await two('?wait=spin')
    const { polls } = there.stats()
    await turns(1_000)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(there.stats().polls).toBeGreaterThan(polls)
    await exchange(here, there, 200)
    fill(here, new Uint8Array(1_000))
    await turns(100)
    expect(() => here.receiveSync({ timeout: 10 })).toThrow()
    expect(here.stats().spins).toBeGreaterThan(0)
    expect([here.stats().parks, there.stats().parks]).toEqual([0, 0])
    expect([here.stats().wakeUps, there.stats().wakeUps]).toEqual([0, 0])
  })

  it.skipIf(scarce)(
    'looks in place for as long as that may spare it a turn, however quick its processor is (skipped on one processor)',
    async () => {
      const [, there] = await two('?wait=spin')
      const looksIn = (act: () => void) => {
        const before = there.stats().spins
        act()
        return there.stats().spins - before
      }
      const nsPerLook = 20e6 / looksIn(() => expect(() => there.receiveSync({ timeout: 20 })).toThrow())
      const giveUp = new AbortController()
      let receiving: Promise<unknown> | undefined
      const looks = looksIn(() => {
        receiving = there.receive({ signal: giveUp.signal })
      })
      giveUp.abort()
      await expect(receiving).rejects.toThrow()
      // It is 5 µs, by a clock that may since have changed its pace.
      expect(looks * nsPerLook).toBeGreaterThan(2_000)
    },
  )
})

describe('an end that waits by adaptive', () => {
  it('sleeps when nothing comes, is woken by what does, and counts both', async () => {
    const [here, there] = await two()
    await until(() => there.stats().parks === 1)
    // Asleep it does not look.
    const { polls } = there.stats()
    await turns(100)
    expect(there.stats()).toMatchObject({ polls, parks: 1, wakeUps: 0 })
    const receiving = there.receive()
    await here.send(utf8('hello'))
    expect(text(await receiving)).toBe('hello')
    expect(there.stats().wakeUps).toBe(1)
    await until(() => there.stats().parks === 2)
  })

  it.skipIf(scarce)(
    'looks before it first sleeps, and the more often that is in vain, the more waits sleep at once (skipped on one processor)',
    async () => {
      const [here, there] = await two()
      await until(() => there.stats().parks === 1)
      expect(there.stats().polls).toBeGreaterThan(0)
      const gaps: number[] = []
      for (let i = 0; i < 6; i++) gaps.push(await nextGap(here, there))
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2)
      expect(Math.max(...gaps)).toBeGreaterThanOrEqual(8)
      expect(Math.max(...gaps)).toBeLessThan(1_000)
    },
  )

  it.skipIf(scarce)(
    'is as patient as in the beginning when a message comes while it looks (skipped on one processor)',
    async () => {
      const [here, there] = await two()
      const gaps: number[] = []
      // Where others have needed the processor meanwhile it stays impatient: that is not what is looked at here.
      for (let round = 0; round < 10 && Math.min(...gaps, 1_000) >= 8; round++) {
        while ((await nextGap(here, there)) < 8);
        // A message comes while it looks.
        while (!(await beginsAwake(here, there)));
        const receiving = there.receive()
        here.trySend(utf8('x'))
        await receiving
        // The next one that looks in vain is the first.
        await nextGap(here, there)
        gaps.push(await nextGap(here, there))
      }
      expect(Math.min(...gaps)).toBeLessThan(8)
    },
  )
})

describe.each(['spin', 'adaptive', 'park'])('with %s', (wait) => {
  it('two ends in one thread exchange messages, also long ones', async () => {
    const [here, there] = await two(`?wait=${wait}&ring=4096`)
    await exchange(here, there, 300)
    const long = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251)
    const sending = here.send(long)
    expect(Buffer.compare((await there.receive())!, long)).toBe(0)
    await sending
  })

  it('a writer whose ring is full goes on when there is room', async () => {
    const [here, there] = await two(`?wait=${wait}&ring=4096`)
    const count = fill(here, new Uint8Array(100))
    const { parks } = here.stats()
    const sending = here.send(utf8('last'))
    if (wait !== 'spin') await until(() => here.stats().parks > parks)
    for (let i = 0; i < count; i++) expect(await there.receive()).toHaveLength(100)
    await sending
    expect(text(await there.receive())).toBe('last')
  })

  it('what stats count is what has passed', async () => {
    const [here, there] = await two(`?wait=${wait}`)
    for (const size of [0, 10, 1_000]) {
      await here.send(new Uint8Array(size))
      await there.receive()
    }
    expect(here.stats()).toMatchObject({
      sentRecords: 3,
      sentBytes: 1_010,
      receivedRecords: 0,
      receivedBytes: 0,
    })
    expect(there.stats()).toMatchObject({
      sentRecords: 0,
      sentBytes: 0,
      receivedRecords: 3,
      receivedBytes: 1_010,
    })
    here.abort()
    expect(Object.values(here.stats())).toEqual(new Array(8).fill(0))
  })
})

describe.each(['adaptive', 'park'])('with %s', (wait) => {
  it('a writer that needs the whole ring gets the last of it, although nobody asks for more', async () => {
    const [here, there] = await two(`?wait=${wait}&ring=4096`)
    // The record behind these does not fit before the end of the ring, and needs all of it but a few bytes.
    for (let i = 0; i < 18; i++) expect(here.trySend(new Uint8Array(100))).toBe(true)
    expect(here.trySend(new Uint8Array(72))).toBe(true)
    const sending = here.send(new Uint8Array(here.maxClaimSize))
    for (let i = 0; i < 19; i++) expect(there.tryReceive()).toBeDefined()
    await sending
    expect(await there.receive()).toHaveLength(here.maxClaimSize)
  })
})

it('with spin a writer that needs the whole ring gets the last of it, although nobody asks for more', async () => {
  const [here, there] = await two('?wait=spin&ring=4096')
  // The record behind these does not fit before the end of the ring, and needs all of it but a few bytes.
  for (let i = 0; i < 18; i++) expect(here.trySend(new Uint8Array(100))).toBe(true)
  expect(here.trySend(new Uint8Array(72))).toBe(true)
  const sending = here.send(new Uint8Array(here.maxClaimSize))
  for (let i = 0; i < 19; i++) expect(there.tryReceive()).toBeDefined()
  await sending
  expect(await there.receive()).toHaveLength(here.maxClaimSize)
})
