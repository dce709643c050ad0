import { createHash } from 'node:crypto'
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { StraitError } from '../error.js'
import { systemError } from './system-error.js'

/** What `sun_path` holds besides its closing zero; unix(7). */
export const LONGEST_SOCKET_PATH = 107

/** open(2): names an inode without opening it. Node has no constant for it. */
const O_PATH = 0o10000000

/**
 * Node's module loader looks at the last answer of `fs.lstatSync` and its kin, and finds no module when that was a
 * socket or a FIFO. Answers in bigints are kept aside.
 */
export const ASIDE = { bigint: true } as const

const ownUid = () => BigInt(process.geteuid!())

const STAGE = '.strait-'

/** A claim lasts milliseconds. A stage as old as this, in ms, was left by a killed process. */
const STAGE_IS_STALE = 60_000

/** Taking over takes milliseconds. Who holds the lock for longer, in ms, is stopped or hostile. */
const LONGEST_LOCK = 5_000

export interface Claim {
  /** Gives the name back. What another listener has put there meanwhile stays. */
  release(): void
}

/**
 * Claims a path for a socket, atomically and privately: it is bound in a fresh 0700 directory, gets its mode, and only
 * then its name, by link(2), which never replaces. What a killed listener left under the name is taken over; anything
 * else is left alone.
 *
 * - Errors: `ADDRESS_IN_USE` somebody listens there, or it is no socket; `PERMISSION` a symbolic link, or somebody
 *   else's; `ADDRESS_INVALID`; `NO_RESOURCES`.
 */
export async function claimPath(
  path: string,
  url: URL,
  mode: number,
  bind: (path: string) => Promise<void>,
): Promise<Claim> {
  const directory = dirname(path)
  let stage: string | undefined
  let descriptor: number | undefined
  try {
    sweepStages(directory)
    stage = mkdtempSync(join(directory, STAGE))
    descriptor = openSync(stage, constants.O_RDONLY | constants.O_DIRECTORY)
    // The short way round: a path below /proc does not outgrow sun_path, however long the directory's is.
    await bind(`/proc/self/fd/${descriptor}/socket`)
    const staged = join(stage, 'socket')
    chmodSync(staged, mode)
    const { ino, dev } = lstatSync(staged, ASIDE)
    while (!tryLink(staged, path)) await removeDead(path, url, stage)
    removeStage(stage)
    const held = descriptor
    return {
      release() {
        const there = lstatOrNothing(path)
        if (there?.ino === ino && there.dev === dev) unlinkSync(path)
        // Only after the server is closed: it unlinks the path it was bound to, below this descriptor.
        setImmediate(() => closeSync(held))
      },
    }
  } catch (error) {
    if (stage !== undefined) removeStage(stage)
    const held = descriptor
    if (held !== undefined) setImmediate(() => closeSync(held))
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new StraitError('ADDRESS_INVALID', 'the directory does not exist', {
        operation: 'listen',
        url,
        cause: error,
      })
    }
    throw systemError(error, 'listen', url)
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function lstatOrNothing(path: string): BigIntStats | undefined {
  return lstatSync(path, { ...ASIDE, throwIfNoEntry: false })
}

/** Removes a dead socket from the path, or throws why not. One process at a time, so that nobody removes a live one. */
async function removeDead(path: string, url: URL, stage: string): Promise<void> {
  const fail = (code: 'ADDRESS_IN_USE' | 'PERMISSION', reason: string) =>
    new StraitError(code, reason, { operation: 'listen', url })
  const unlock = await lock(path, url)
  try {
    const there = lstatOrNothing(path)
    if (there === undefined) return
    if (there.isSymbolicLink()) throw fail('PERMISSION', 'a symbolic link stands there')
    if (!there.isSocket()) throw fail('ADDRESS_IN_USE', 'something that is not a socket stands there')
    if (await answers(path)) throw fail('ADDRESS_IN_USE', 'somebody listens here already')
    if (there.uid !== ownUid()) throw fail('PERMISSION', `a socket of user ${there.uid} stands there`)
    const dead = join(stage, 'dead')
    renameSync(path, dead)
    const taken = lstatSync(dead, ASIDE)
    if (taken.ino !== there.ino) tryLink(dead, path)
    unlinkSync(dead)
  } finally {
    unlock()
  }
}

/** Whether somebody listens on this socket. Only a refusal says no. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code !== 'ECONNREFUSED'))
  })
}

/**
 * Holds a lock that the kernel releases when the process ends, whichever way: an abstract socket. Its name fills
 * `sun_path`, because shorter ones mean different names to different versions of Node.
 */
function lock(path: string, url: URL): Promise<() => void> {
  const { dev, ino } = statSync(dirname(path))
  const digest = createHash('sha256')
    .update(`${dev}:${ino}:${basename(path)}`)
    .digest('hex')
  const name = `\0${`strait/claim/${digest}/`.padEnd(LONGEST_SOCKET_PATH, '-')}`
  return new Promise((resolve, reject) => {
    const attempt = () => {
      const server = createServer()
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') return reject(error)
        // Somebody holds it: its connections close when it lets go or dies.
        const waiting = connect(name)
        waiting.on('error', () => {})
        waiting.once('close', attempt)
        waiting.setTimeout(LONGEST_LOCK, () => {
          waiting.off('close', attempt)
          waiting.destroy()
          const reason = 'another process keeps the claim of this path'
          reject(new StraitError('PERMISSION', reason, { operation: 'listen', url }))
        })
        return undefined
      })
      const held = new Set<{ destroy(): void }>()
      server.on('connection', (socket) => held.add(socket.on('error', () => {})))
      server.listen(name, () =>
        resolve(() => {
          server.close()
          for (const socket of held) socket.destroy()
        }),
      )
    }
    attempt()
  })
}

/** Removes what killed processes of ours left half-way between mkdir and link. */
function sweepStages(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(STAGE)) continue
    const stage = join(directory, name)
    const stat = lstatOrNothing(stage)
    if (stat === undefined || !stat.isDirectory() || stat.uid !== ownUid()) continue
    if (Date.now() - Number(stat.mtimeMs) < STAGE_IS_STALE) continue
    removeStage(stage)
  }
}

/** Not with `rmSync`, which asks for what it removes; see {@link ASIDE}. */
function removeStage(stage: string): void {
  try {
    for (const file of readdirSync(stage))
      if (file === 'socket' || file === 'dead') unlinkSync(join(stage, file))
    rmdirSync(stage)
  } catch {
    // It is gone, or something else is in it, so it is not a stage of ours.
  }
}

/**
 * Opens the way to a socket without ever following a symbolic link at its end, and makes sure whose it is. Connect to
 * the path that comes back, then `close`.
 *
 * - Errors: `REFUSED` nothing is there; `PERMISSION` a symbolic link, or a socket of another user than this one, root
 *   or `owner`; `ADDRESS_INVALID` no socket.
 */
export function openSocketPath(path: string, url: URL, owner?: number): { path: string; close(): void } {
  const fail = (code: 'PERMISSION' | 'ADDRESS_INVALID', reason: string) =>
    new StraitError(code, reason, { operation: 'connect', url })
  let descriptor: number
  try {
    descriptor = openSync(path, O_PATH | constants.O_NOFOLLOW)
  } catch (error) {
    throw systemError(error, 'connect', url)
  }
  try {
    const stat = fstatSync(descriptor, ASIDE)
    if (stat.isSymbolicLink()) throw fail('PERMISSION', 'a symbolic link stands there')
    if (!stat.isSocket()) throw fail('ADDRESS_INVALID', 'what stands there is not a socket')
    if (![process.geteuid?.(), 0, owner].includes(Number(stat.uid))) {
      throw fail(
        'PERMISSION',
        `the socket belongs to user ${stat.uid}; name that user as \`owner\` to trust it`,
      )
    }
    return { path: `/proc/self/fd/${descriptor}`, close: () => closeSync(descriptor) }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}
