import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { StraitError } from '@strait/core'
import { SharedMemory } from '@strait/posix'
import { Event, Mutex, Region } from '@strait/sync'
import { allEnd, start } from './crew.js'

const TOTAL = 100

// Two accounts beside the lock. Whatever is moved from one to the other, together they have TOTAL.
const size = () => Region.size + 8
const accountsIn = (memory: SharedMemory) => memory.view(Int32Array, Region.size, 2)
const locksIn = (region: Region) => ({
  mutex: new Mutex({ region, name: 'accounts' }),
  halfWay: new Event({ region, name: 'half-way' }),
})

interface Seen {
  readonly who: string
  readonly ownerDied?: boolean
  readonly found?: readonly number[]
  readonly left?: readonly number[]
  readonly error?: string
}

/** The owner of a lock is killed in the middle of a change, and others come after it. */
export async function owner() {
  using memory = SharedMemory.anonymous(size(), { seals: ['shrink', 'grow'] })
  using region = Region.over(memory)
  const { halfWay } = locksIn(region)
  accountsIn(memory)[0] = TOTAL

  const killHalfWay = async () => {
    halfWay.clear()
    const child = start('victim', [], [memory.descriptor])
    const exited = once(child, 'exit')
    const tooEarly = exited.then(([code]) => {
      if (code !== null) throw new Error(`the victim ended by itself, with ${code}`)
    })
    await Promise.race([halfWay.wait(), tooEarly])
    child.kill('SIGKILL')
    await tooEarly
  }
  const comes = async (who: string): Promise<Seen> => {
    const child = start('next', [who], [memory.descriptor])
    const [said] = await Promise.all([text(child.stdout!), allEnd([child])])
    return JSON.parse(said)
  }

  const seen: Seen[] = []
  await killHalfWay()
  for (const who of ['careful', 'ordinary']) seen.push(await comes(who))
  await killHalfWay()
  for (const who of ['neglectful', 'ordinary', 'repairer', 'ordinary']) seen.push(await comes(who))
  return { total: TOTAL, seen }
}

/** The process that is killed. */
export async function victim(): Promise<void> {
  using memory = SharedMemory.fromDescriptor(3, { size: size(), seals: ['shrink'] })
  using region = Region.over(memory)
  const { mutex, halfWay } = locksIn(region)
  const accounts = accountsIn(memory)
  using _guard = await mutex.lock()
  accounts[0]! -= 30
  halfWay.set()
  await new Promise(() => setInterval(() => {}, 60_000)) // here it is killed
  accounts[1]! += 30
}

/** Whoever comes after it. */
export async function next(who = ''): Promise<void> {
  using memory = SharedMemory.fromDescriptor(3, { size: size(), seals: ['shrink'] })
  using region = Region.over(memory)
  const { mutex } = locksIn(region)
  const accounts = accountsIn(memory)
  let seen: Seen
  try {
    using guard = await mutex.lock({ repair: who === 'repairer' })
    const found = [...accounts]
    if (guard.ownerDied && who !== 'neglectful') {
      // What has left the one account and not reached the other goes back.
      accounts[0] = TOTAL - accounts[1]!
      guard.markConsistent()
    }
    seen = { who, ownerDied: guard.ownerDied, found, left: [...accounts] }
  } catch (error) {
    if (!StraitError.is(error, 'OWNER_DIED')) throw error
    seen = { who, error: error.code }
  }
  console.log(JSON.stringify(seen))
}

export function tellOwner({ seen }: Awaited<ReturnType<typeof owner>>): string[] {
  return seen.map(({ who, ownerDied, found, left, error }) => {
    if (error !== undefined) return `${who}: ${error}`
    const change = `${found!.join(' + ')}, leaves ${left!.join(' + ')}`
    return `${who}: ${ownerDied ? 'is told that an owner died; ' : ''}finds ${change}`
  })
}
