import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Actor, type World } from './support/kill/actor.js'
import { Battle } from './support/kill/battle.js'
import { unique } from './support/kill/cast.js'
import { until, within } from './support/kill/guard.js'
import { leftovers, RegionView } from './support/kill/region-view.js'
import { awaited, holdMutex, release, section } from './support/kill/scenarios/steps.js'

const missing = (command: string, ...args: string[]) => spawnSync(command, args).status !== 0
const noStrace = missing('strace', '-o', '/dev/null', 'true')
const noTaskset = missing('taskset', '-c', '0', 'true')
const CROWD = process.env.STRAIT_SOAK === undefined ? 40 : 200

const actors: Actor[] = []
afterEach(async () => {
  await Promise.all(actors.splice(0).map((actor) => actor.kill()))
})

/** Processes in a region of their own. */
async function inRegion(count: number): Promise<{ region: string; view: RegionView; all: Actor[] }> {
  const region = unique()
  const all = await Promise.all(Array.from({ length: count }, () => Actor.start()))
  actors.push(...all)
  for (const actor of all) await actor.run(({ enter }, region) => enter(region), region)
  return { region, view: new RegionView(region), all }
}

async function leave(region: string, survivors: readonly Actor[]): Promise<void> {
  for (const actor of survivors) await actor.run(({ region }) => region.close())
  expect(leftovers(region)).toEqual([])
}

describe('a process that holds a mutex and ends', () => {
  it.each<[string, (actor: Actor) => unknown]>([
    ['by process.exit()', (actor) => actor.run(() => process.exit(0))],
    [
      'by an uncaught error',
      (actor) =>
        actor.run(() => {
          setImmediate(() => {
            throw new Error('planted')
          })
        }),
    ],
    ['by a signal that it does not handle', (actor) => actor.kill('SIGTERM')],
  ])('%s counts as dead, and who waits is told', async (_, end) => {
    const { region, view, all } = await inRegion(3)
    const [owner, waits, other] = all as [Actor, Actor, Actor]
    await owner.run(holdMutex)
    const told = waits.run(section)
    await until('somebody waits', () => view.waiting('mutex') === 1)
    await Promise.allSettled([end(owner)])
    await within('it ends', owner.ended)
    expect(await told).toBe(true)
    expect(await other.run(section)).toBe(false)
    await leave(region, [waits, other])
  })

  it('gives everything back that was not held, and is not a death, when it holds nothing', async () => {
    const { region, view, all } = await inRegion(2)
    const [goes, stays] = all as [Actor, Actor]
    await goes.run(async ({ section }) => void (await section()))
    await Promise.allSettled([goes.run(() => process.exit(0))])
    await goes.ended
    await until('its place is free', () => view.attached.length === 1)
    expect(await stays.run(section)).toBe(false)
    await leave(region, [stays])
  })
})

describe('a worker', () => {
  /** Lets a thread of the process do this, and wait. */
  const inThread = (actor: Actor, region: string, work: (world: World) => unknown) =>
    actor.run(({ startThread }, region, source) => startThread(region, source), region, String(work))
  const terminate = ({ kept }: World) => kept.thread.terminate().then(() => {})

  it('that is terminated while it holds a mutex and a permit counts as dead', async () => {
    const { region, view, all } = await inRegion(2)
    const [host, waits] = all as [Actor, Actor]
    await inThread(host, region, async ({ mutex, semaphore, kept }) => {
      kept.held = [await mutex.lock(), await semaphore.acquire()]
    })
    const told = waits.run(section)
    await until('somebody waits', () => view.waiting('mutex') === 1)
    expect(await waits.run(({ semaphore }) => semaphore.value)).toBe(1)
    await host.run(terminate)
    expect(await told).toBe(true)
    expect(await waits.run(({ semaphore }) => semaphore.value)).toBe(2)
    expect(await host.run(section)).toBe(false)
    await leave(region, all)
  })

  it('that is terminated while it waits leaves the queue', async () => {
    const { region, view, all } = await inRegion(2)
    const [host, holds] = all as [Actor, Actor]
    await holds.run(holdMutex)
    await inThread(host, region, ({ mutex, kept }) => {
      kept.waiting = mutex.lock()
    })
    expect(view.waiting('mutex')).toBe(1)
    const next = host.run(section)
    await until('two wait', () => view.waiting('mutex') === 2)
    await host.run(terminate)
    expect(view.waiting('mutex')).toBe(1)
    await holds.run(release)
    expect(await next).toBe(false)
    await leave(region, all)
  })

  it('that is terminated while it blocks in a mutex ends, and leaves the queue', async () => {
    const { region, view, all } = await inRegion(2)
    const [host, holds] = all as [Actor, Actor]
    await holds.run(holdMutex)
    // It is ready, and then blocks.
    await inThread(host, region, ({ mutex }) => {
      setImmediate(() => mutex.lockSync())
    })
    await until('the thread waits', () => view.waiting('mutex') === 1)
    await host.run(terminate)
    expect(view.waiting('mutex')).toBe(0)
    await holds.run(release)
    expect(await host.run(section)).toBe(false)
    await leave(region, all)
  })

  it('and its process that is killed are two deaths, each told once', async () => {
    const { region, view, all } = await inRegion(2)
    const [host, stays] = all as [Actor, Actor]
    await inThread(host, region, async ({ mutex, kept }) => {
      kept.guard = await mutex.lock()
    })
    await host.run(async ({ rwlock, kept }) => {
      kept.guard = await rwlock.write()
    })
    const told = [stays.run(section), stays.run(({ writing }) => writing())]
    await until('both wait', () => view.waiting('mutex') + view.waiting('rwlock') === 2)
    await host.kill()
    expect(await Promise.all(told)).toEqual([true, true])
    expect([await stays.run(section), await stays.run(({ writing }) => writing())]).toEqual([false, false])
    await leave(region, [stays])
  })
})

it('a process whose event loop is busy does not hold up a lock that was offered to it', async () => {
  const { region, view, all } = await inRegion(3)
  const [holds, busy, behind] = all as [Actor, Actor, Actor]
  await holds.run(holdMutex)
  await busy.run(({ kept, section }) => {
    kept.waiting = section()
  })
  const next = behind.run(section)
  await until('two wait', () => view.waiting('mutex') === 2)
  // Until somebody else has had it, and says so.
  const worked = busy.run(({ block, event }) => block(() => event.isSet))
  await holds.run(release)
  expect(await next).toBe(false)
  await behind.run(({ event }) => event.set())
  await worked
  // And it has not lost its turn for good.
  expect(await busy.run(awaited)).toBe(false)
  await leave(region, all)
})

it('a process that has seen a dead one does not wait for whoever has come to its place', async () => {
  const { region, view, all } = await inRegion(2)
  const [watches, dies] = all as [Actor, Actor]
  const comes = await Actor.start()
  actors.push(comes)
  await watches.run(({ native }) => native.syncStopAt('reapSeen', 1))
  await dies.kill()
  await watches.stop()
  await comes.run(({ enter }, region) => enter(region), region)
  expect(view.attached).toEqual([watches.pid, comes.pid])
  await comes.run(holdMutex)
  watches.continue()
  const next = watches.run(section)
  await until('it waits', () => view.waiting('mutex') === 1)
  await comes.run(release)
  expect(await next).toBe(false)
  await leave(region, [watches, comes])
})

it.skipIf(noStrace)(
  `nobody who waits makes a system call, and no timer runs${noStrace ? ' (skipped: there is no strace)' : ''}`,
  async () => {
    const { region, view, all } = await inRegion(2)
    const [holds, waits] = all as [Actor, Actor]
    await holds.run(holdMutex)
    await waits.run(({ event, barrier, kept, section }) => {
      kept.waiting = section()
      kept.others = [event.wait(), barrier.wait()]
    })
    await until(
      'it waits',
      () => view.waiting('mutex') + view.waiting('event') + view.waiting('barrier') === 3,
    )
    const { threads, calls } = await traced(waits.pid)
    expect(threads).toBeGreaterThan(1)
    expect(calls).toEqual([])
    // Who does something is seen.
    await waits.run(({ kept }) => {
      kept.timer = setInterval(() => {}, 100)
    })
    expect((await traced(waits.pid)).calls.length).toBeGreaterThan(0)
    await holds.run(release)
    expect(await waits.run(awaited)).toBe(false)
    await waits.kill()
    await leave(region, [holds])
  },
)

/** The system calls that the threads of a process begin within a second. */
async function traced(pid: number): Promise<{ threads: number; calls: string[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'strait-locks-'))
  try {
    const log = join(directory, 'calls')
    const strace = spawn('strace', ['-f', '-qq', '-o', log, '-p', String(pid)], { stdio: 'inherit' })
    const threads = readdirSync(`/proc/${pid}/task`)
    const isTraced = (thread: string) =>
      /TracerPid:\t[1-9]/.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))
    await until('strace has all threads', () => threads.every(isTraced))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const ended = once(strace, 'exit')
    strace.kill('SIGINT')
    await ended
    const seen = new Set<string>()
    // Of each thread the first line is the call in which it has been all the time.
    const calls = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .filter((line) => {
        const [thread = ''] = line.split(' ')
        const first = !seen.has(thread)
        seen.add(thread)
        return !first && !line.includes('<detached ...>')
      })
    return { threads: seen.size, calls }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

it(`${CROWD} processes at once use every primitive, and nobody starves`, async () => {
  await battle(CROWD)
})

it.skipIf(noTaskset)(
  `processes on one core use every primitive, and nobody starves${noTaskset ? ' (skipped: there is no taskset)' : ''}`,
  async () => {
    await battle(3, ['taskset', '-c', '0'])
  },
)

async function battle(size: number, wrapper: readonly string[] = []): Promise<void> {
  const fight = new Battle(1, { wrapper })
  try {
    // Now, while there is a core for it.
    fight.prepare()
    await fight.begin(size)
    await fight.kill(size - 1, true)
    await fight.goesOn()
    const outcome = await fight.end()
    console.log(`locks: ${size} processes${wrapper.length > 0 ? ' on one core' : ''}: ${outcome}`)
    expect(outcome).toContain('deaths told')
  } finally {
    await fight.clear()
  }
}
