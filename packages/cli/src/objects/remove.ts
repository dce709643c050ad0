import { spawnSync } from 'node:child_process'
import { lstatSync, unlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { claimPath, systemError } from '@strait/core/node'
import { StraitError } from 'strait'
import { Failure } from '../exit.js'
import { removeRegion } from './locks.js'
import type { IpcObject } from './object.js'

export interface RemoveOptions {
  /** Also what somebody has, what nobody knows of, and what another user owns, as far as the system allows it. */
  readonly force: boolean
}

/** Removes an object's name. Rejects with a {@link Failure} that says why not. */
export function removeObject(object: IpcObject, { force }: RemoveOptions): void {
  const refusal = refusalOf(object, force)
  if (refusal !== undefined) throw new Failure(refusal)
  if (object.kind === 'locks' && object.state === 'dead' && !force) removeRegion(object)
  else if (object.path !== undefined) unlink(object.path)
  else removeSystemV(object)
}

function refusalOf(object: IpcObject, force: boolean): string | undefined {
  const { kind, state, uid, holders, path, waiting } = object
  const [holder] = holders
  const who = holder === undefined ? 'somebody' : `process ${holder.pid} (${holder.command})`
  if (kind === 'record') {
    return state === 'dead' ? 'strait rm --dead removes it, with what it names' : `${who} holds this record`
  }
  if (waiting !== undefined) {
    return 'it goes with its region, whose name begins with locks:'
  }
  if (kind === 'listener' || (kind === 'socket' && path === undefined))
    return `${who} listens there; the name goes when that ends`
  if (force) return undefined
  if (uid !== process.geteuid?.()) return `it belongs to user ${uid}; --force tries all the same`
  if (state === 'in use') return `${who} has it; --force removes it all the same`
  if (state === 'unknown') return 'the kernel does not tell who uses it; --force removes it all the same'
  return undefined
}

function unlink(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    const gone = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new Failure(gone ? 'it went meanwhile' : systemError(error, 'rm', path).reason)
  }
}

const IPCRM_OPTIONS: Readonly<Record<string, string>> = {
  'sysv-shm': '--shmem-id',
  'sysv-sem': '--semaphore-id',
  'sysv-mq': '--queue-id',
}

/** With the system's own command: it is there where the objects are usual, and the addon is not needed. */
function removeSystemV({ kind, id }: IpcObject): void {
  const { error, status, stderr } = spawnSync('ipcrm', [IPCRM_OPTIONS[kind]!, String(id)], {
    encoding: 'utf8',
  })
  if (error !== undefined) throw new Failure(`\`ipcrm\` (util-linux) is needed for it: ${error.message}`)
  if (status !== 0) throw new Failure(stderr.trim())
}

/**
 * Removes a socket file that nobody listens on: connects, and only where that is refused takes the name. Rejects with
 * a {@link Failure} that says why not.
 */
export async function removeSocketFile(path: string, { force }: RemoveOptions): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new Failure('there is nothing')
  if (!force) return takeFromTheDead(path)
  if (!stat.isSocket()) throw new Failure('what stands there is not a socket')
  unlink(path)
}

/** As a listener claims a path, which takes it from the dead only and one at a time, and gives it back. */
async function takeFromTheDead(path: string): Promise<void> {
  const server = createServer((socket) => socket.destroy())
  const bind = (staged: string) =>
    new Promise<void>((resolve, reject) => server.once('error', reject).listen(staged, resolve))
  try {
    const claim = await claimPath(path, new URL('unix:'), 0o600, bind)
    claim.release()
  } catch (error) {
    throw StraitError.is(error) ? new Failure(error.reason) : error
  } finally {
    server.close()
  }
}
