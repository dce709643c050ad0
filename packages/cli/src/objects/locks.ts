import { existsSync, statSync } from 'node:fs'
import { Region } from '@strait/sync'
import { StraitError } from 'strait'
import { Failure } from '../exit.js'
import type { PosixFile } from './files.js'
import { encodeName, type Holder, type IpcObject } from './object.js'
import type { Processes } from './processes.js'
import { type Attached, type LockImage, type RegionImage, readRegion } from './region-image.js'

/** In the word of a Mutex or an RWLock, beside the owner; packages/posix/native/region.h. */
const DIED = 1 << 18
const POISONED = 1 << 19

/** Regions of locks that have a name, and what is in them; @strait/sync. */
export function findLocks(
  files: readonly PosixFile[],
  processes: Processes,
): { objects: IpcObject[]; rest: PosixFile[] } {
  const objects: IpcObject[] = []
  const rest: PosixFile[] = []
  for (const file of files) {
    const image = file.kind === 'shm' ? readRegion(file.path) : undefined
    const region = image && describeRegion(file, image, processes)
    if (region === undefined) rest.push(file)
    else objects.push(region)
    if (image !== undefined) objects.push(...describeLocks(region ?? file, image, processes))
  }
  return { objects, rest }
}

/** One that goes with its last user; undefined: memory of somebody else, with locks in it. */
function describeRegion(
  { name, path, stat }: PosixFile,
  image: RegionImage,
  processes: Processes,
): IpcObject | undefined {
  const [, uid, own] = /^\/strait\.lock\.(\d+)\.(.+)$/.exec(name) ?? []
  if (own === undefined) return undefined
  const holders = processes.havingFile(stat)
  const alive = holders.length > 0 || image.attached.some(({ alive }) => alive)
  const count = image.locks.size
  return {
    name: `locks:${encodeName(own)}${Number(uid) === process.geteuid?.() ? '' : `@${uid}`}`,
    kind: 'locks',
    state: alive ? 'in use' : 'dead',
    uid: stat.uid,
    bytes: stat.size,
    holders,
    details: count === 1 ? '1 lock' : `${count} locks`,
    path,
  }
}

function describeLocks(
  region: Pick<IpcObject, 'name'> & { readonly state?: IpcObject['state']; readonly uid?: number },
  image: RegionImage,
  processes: Processes,
): IpcObject[] {
  const place = region.name.replace(/^locks:/, '')
  // Numbers of another namespace are not those of the processes that are seen here.
  const here = image.pidNamespace === statSync('/proc/self/ns/pid', { bigint: true }).ino
  const holder = ({ pid, thread }: Attached): Holder[] =>
    here ? processes.withPid(pid).map((process) => (thread === pid ? process : { ...process, thread })) : []
  return [...image.locks.values()].map((lock) => {
    const { kind, name, owner, shares, waiting } = lock
    const held =
      kind === 'barrier' ? [] : [...(owner === undefined ? [] : [owner]), ...shares.map(({ by }) => by)]
    const living = held.filter(({ alive }) => alive)
    const gone = region.state === 'dead' || held.length > living.length
    return {
      name: `${kind}:${place}/${name}`,
      kind,
      state: gone ? 'dead' : living.length + waiting > 0 ? 'in use' : 'unused',
      ...(region.uid === undefined ? {} : { uid: region.uid }),
      holders: living.flatMap(holder),
      waiting,
      details: detailsOf(lock, image).join(', '),
    }
  })
}

function detailsOf(lock: LockImage, { locks }: RegionImage): string[] {
  const { kind, word, a, broken, lastPid, owner, shares, waiting } = lock
  const details: string[] = []
  const used = shares.reduce((sum, { count }) => sum + count, 0)
  if (kind === 'semaphore') details.push(`${a - used} of ${a} permits free`)
  if (kind === 'event') details.push((word & 1) !== 0 ? 'set' : 'not set')
  if (kind === 'condition') details.push(`of mutex ${locks.get(a)?.name ?? '?'}`)
  if (kind === 'barrier') details.push(broken ? 'broken' : `${waiting} of ${a} are there`)
  if (kind === 'rwlock' && used > 0) details.push(used === 1 ? '1 reads' : `${used} read`)
  if (owner?.alive === false) details.push(`held by ${owner.pid}, which has died`)
  if (kind === 'mutex' || kind === 'rwlock') {
    if ((word & DIED) !== 0) details.push(`its owner ${lastPid} died`)
    if ((word & POISONED) !== 0) details.push(`poisoned since ${lastPid} died`)
  }
  if (kind !== 'barrier' && waiting > 0) details.push(waiting === 1 ? '1 waits' : `${waiting} wait`)
  return details
}

/**
 * Removes a region whose users have all been killed, as its last user does: whoever comes meanwhile keeps it. Rejects
 * with a {@link Failure} that says why not.
 */
export function removeRegion({ name, path }: IpcObject): void {
  try {
    Region.open(name.replace(/^locks:/, '')).close()
  } catch (error) {
    if (!StraitError.is(error)) throw error
    if (error.code !== 'ERR_STRAIT_REFUSED') throw new Failure(error.reason)
  }
  if (existsSync(path!)) throw new Failure('somebody has come meanwhile')
}
