import type { ChildProcess } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { supported } from '@strait/posix'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { kill, type Listed, lasting, unique, withoutAddon } from './objects.js'
import { strait } from './strait.js'

afterEach(() => vi.unstubAllEnvs())

const file = (region: string) => `/dev/shm/strait.lock.${process.geteuid!()}.${region}`
const shorter = () => unique().slice(0, 36)

/** A process in a region of locks that does this and says so. */
async function inRegion(region: string, does: string): Promise<ChildProcess> {
  const source = `
    import { Barrier, Condition, Event, Mutex, Region, RWLock, Semaphore } from '${import.meta.resolve('@strait/sync')}'
    const region = Region.openOrCreate('${region}')
    const home = (name) => ({ region, name })
    ${does}
    console.log('done')
    setInterval(() => {}, 1e6)`
  onTestFinished(() => rmSync(file(region), { force: true }))
  return await lasting(process.execPath, ['--input-type=module', '-e', source])
}

async function locksOf(region: string): Promise<Record<string, Listed & { waiting?: number }>> {
  const { objects } = JSON.parse((await strait(['ls', '--json'])).stdout) as { objects: Listed[] }
  const ours = objects.filter(({ name }) => name === `locks:${region}` || name.includes(`:${region}/`))
  return Object.fromEntries(ours.map((object) => [object.name.replace(region, 'R'), object]))
}

describe.skipIf(!supported)('strait ls shows locks', () => {
  it('by region and name, with who holds them and how many wait', async () => {
    const region = shorter()
    const holder = await inRegion(
      region,
      `const mutex = new Mutex(home('counter'))
      const kept = [await mutex.lock(), await new Semaphore(3, home('slots')).acquire(), new Condition(mutex, { name: 'full' })]
      new Event(home('go')).set()
      kept.push(await new RWLock(home('table')).read())
      new Barrier(2, home('phase'))`,
    )
    const waiter = await inRegion(
      region,
      `new Mutex(home('counter')).lock()\nnew Barrier(2, home('phase')).wait()`,
    )
    const held = [{ pid: holder.pid, command: expect.any(String) }]
    const user = { uid: process.geteuid!() }
    const locks = await locksOf(region)
    expect(locks).toEqual({
      'locks:R': {
        name: `locks:${region}`,
        kind: 'locks',
        state: 'in use',
        ...user,
        bytes: expect.any(Number),
        holders: expect.arrayContaining([
          { pid: holder.pid, command: expect.any(String) },
          { pid: waiter.pid, command: expect.any(String) },
        ]),
        details: '6 locks',
      },
      'mutex:R/counter': expect.objectContaining({
        state: 'in use',
        holders: held,
        waiting: 1,
        details: '1 waits',
      }),
      'semaphore:R/slots': expect.objectContaining({
        holders: held,
        waiting: 0,
        details: '2 of 3 permits free',
      }),
      'condition:R/full': expect.objectContaining({ state: 'unused', details: 'of mutex counter' }),
      'event:R/go': expect.objectContaining({ state: 'unused', details: 'set' }),
      'rwlock:R/table': expect.objectContaining({ state: 'in use', holders: held, details: '1 reads' }),
      'barrier:R/phase': expect.objectContaining({
        state: 'in use',
        holders: [],
        details: '1 of 2 are there',
      }),
    })
    const { stdout } = await strait(['ls'])
    expect(stdout).toMatch(new RegExp(`^ {2}mutex:${region}/counter +in use .*${holder.pid} `, 'm'))
  })

  it('that a worker holds with its thread', async () => {
    const region = shorter()
    const holder = await inRegion(
      region,
      `const { Worker } = await import('node:worker_threads')
      const { once } = await import('node:events')
      const source = \`
        import { parentPort } from 'node:worker_threads'
        import { Mutex, Region } from '${import.meta.resolve('@strait/sync')}'
        const region = Region.open('${region}')
        globalThis.guard = await new Mutex({ region, name: 'counter' }).lock()
        parentPort.postMessage('held')
        setInterval(() => {}, 1e6)\`
      await once(new Worker(source, { eval: true }), 'message')`,
    )
    const [held] = (await locksOf(region))['mutex:R/counter']!.holders
    expect(held).toMatchObject({ pid: holder.pid, thread: expect.any(Number) })
    expect(existsSync(`/proc/${holder.pid}/task/${(held as { thread?: number }).thread}`)).toBe(true)
  })

  it('whose owner has died, before the next is told and when nobody has mended it', async () => {
    const region = shorter()
    const owner = await inRegion(region, `globalThis.guard = await new Mutex(home('counter')).lock()`)
    const next = await inRegion(
      region,
      `const mutex = new Mutex(home('counter'))
      console.log('begun')
      await import('node:events').then(({ once }) => once(process.stdin, 'data'))
      ;(await mutex.lock()).release()`,
    )
    await kill(owner)
    await vi.waitUntil(
      async () => (await locksOf(region))['mutex:R/counter']?.details === `its owner ${owner.pid} died`,
      { timeout: 50_000 },
    )
    const done = new Promise((resolve) => next.stdout!.once('data', resolve))
    next.stdin!.write('\n')
    await done
    expect((await locksOf(region))['mutex:R/counter']).toMatchObject({
      state: 'unused',
      holders: [],
      details: `poisoned since ${owner.pid} died`,
    })
  })

  it('without the addon as the shared memory in which they are', async () => {
    const region = shorter()
    await inRegion(region, '')
    vi.stubEnv('NODE_OPTIONS', withoutAddon())
    const { objects } = JSON.parse((await strait(['ls', '--json'])).stdout)
    expect(objects).toContainEqual(
      expect.objectContaining({ name: `shm:${file(region).slice('/dev/shm'.length)}`, state: 'in use' }),
    )
  })
})

describe.skipIf(!supported)('strait rm of a region of locks', () => {
  const HOLDS = `globalThis.guard = await new Mutex(home('counter')).lock()`

  it('refuses one that somebody has, and what is in it', async () => {
    const region = shorter()
    const holder = await inRegion(region, HOLDS)
    const { code, stderr } = await strait(['rm', `locks:${region}`, `mutex:${region}/counter`])
    expect(stderr).toContain(`rm locks:${region}: process ${holder.pid}`)
    expect(stderr).toContain(`rm mutex:${region}/counter: it goes with its region`)
    expect(code).toBe(1)
    expect(existsSync(file(region))).toBe(true)
  })

  it('removes one whose users have all been killed', async () => {
    const region = shorter()
    const holder = await inRegion(region, HOLDS)
    await kill(holder)
    const locks = await locksOf(region)
    expect(locks['locks:R']).toMatchObject({ state: 'dead', holders: [] })
    expect(locks['mutex:R/counter']).toMatchObject({
      state: 'dead',
      holders: [],
      details: `held by ${holder.pid}, which has died`,
    })
    expect((await strait(['ls'])).stdout).toContain('rm --dead')
    const { code, stdout } = await strait(['rm', `locks:${region}`])
    expect(stdout).toContain(`removed locks:${region}\n`)
    expect(code).toBe(0)
    expect(existsSync(file(region))).toBe(false)
    expect(await locksOf(region)).toEqual({})
  })
})
