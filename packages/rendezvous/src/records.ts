import { randomBytes } from 'node:crypto'
import {
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { StraitError } from '@strait/core'
import { systemError } from '@strait/core/node'
import { BlockedCall, check, native } from '@strait/posix'
import { ownUid } from './meet.js'

// What must have a name for a moment, or for its life, is recorded first and then created. A record is a file under an
// open-file-description lock (fcntl(2), F_OFD_SETLK), which ends with the last descriptor of those who hold it, whichever
// way their processes end. So a record that can be locked belongs to nobody, and what it names is an orphan. Where both
// ends need the object for its life, each opens the record itself and shares the lock: who then gets it alone is the last.

const SUFFIX = '.record'

/** How the FIFO of a record is called: with a slash in it, or as a record, no name of ours. */
const FIFO_NAME = /^[0-9a-f]{24}-[a-z]+$/

/** How its POSIX queue is. */
const QUEUE_NAME = /^\/strait-[0-9a-f]{24}-[a-z]+$/

/** How the key of its System V queue is: 31 bits, and not 0, which is everybody's. */
const KEY = /^0x(?!0{8})[0-7][0-9a-f]{7}$/

const RECORD_NAME = /^[0-9a-f]{24}$/

const ENOENT = 2
const EINVAL = 22
const EIDRM = 43

/** An object that a record answers for. */
export interface Recorded {
  readonly kind: 'fifo' | 'mq' | 'sysv-mq'
  readonly name: string
}

/** How an object of each kind is known, whatever a record says, and removed. Not being there is fine. */
const KINDS: Record<Recorded['kind'], { isName(name: unknown): boolean; remove(name: string): void }> = {
  fifo: {
    isName: (name) => typeof name === 'string' && FIFO_NAME.test(name),
    remove: (name) => removeFile(join(runtimeDirectory(), name)),
  },
  mq: {
    isName: (name) => typeof name === 'string' && QUEUE_NAME.test(name),
    remove: (name) => checkRemoved(native('sweep').mqUnlink(name), name),
  },
  'sysv-mq': {
    isName: (name) => typeof name === 'string' && KEY.test(name),
    remove: removeSystemVQueue,
  },
}

/** Where this user's records lie: `$XDG_RUNTIME_DIR`, which nobody else may enter, or the temporary directory. */
export function runtimeDirectory(): string {
  const given = process.env.XDG_RUNTIME_DIR
  return given?.startsWith('/') ? join(given, 'strait') : join(tmpdir(), `strait-${ownUid()}`)
}

/** Makes the runtime directory, if it is not there, and makes sure of it. */
function openRuntimeDirectory(operation: string): string {
  const directory = runtimeDirectory()
  for (;;) {
    try {
      mkdirSync(directory, { mode: 0o700 })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') {
        const reason = 'the directory that XDG_RUNTIME_DIR or TMPDIR names is not there'
        throw new StraitError('SYSTEM', reason, { operation, url: directory, cause: error })
      }
      if (code !== 'EEXIST') throw systemError(error, operation, directory)
    }
    if (isOurs(directory, operation)) return directory
    // Who let go of the last record in it has just removed it.
  }
}

/** Whether the directory is there, and if so makes sure that it is ours and nobody else may enter it. */
function isOurs(directory: string, operation: string): boolean {
  const refuse = (reason: string) =>
    new StraitError('PERMISSION', `${directory} ${reason}; XDG_RUNTIME_DIR names another place`, {
      operation,
    })
  const stat = lstatSync(directory, { throwIfNoEntry: false })
  if (stat === undefined) return false
  if (stat.isSymbolicLink()) throw refuse('is a symbolic link')
  if (!stat.isDirectory()) throw refuse('is not a directory')
  if (stat.uid !== ownUid()) throw refuse(`belongs to user ${stat.uid}`)
  if ((stat.mode & 0o077) !== 0) throw refuse('is open to other users')
  return true
}

/** A record that this process holds, alone or with the other end. */
export class HeldRecord {
  readonly directory: string
  /** Nobody else has it: what an object's name may begin with. */
  readonly name: string
  readonly #path: string
  readonly #descriptor: number

  private constructor(directory: string, path: string, descriptor: number) {
    this.directory = directory
    this.name = basename(path, SUFFIX)
    this.#path = path
    this.#descriptor = descriptor
  }

  /**
   * An empty record, locked.
   *
   * - Errors: `PERMISSION` somebody else's directory stands there; `NO_RESOURCES`; `SYSTEM` there is no place for it.
   */
  static create(operation: string): HeldRecord {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const system = native(operation)
    for (;;) {
      const directory = openRuntimeDirectory(operation)
      const path = join(directory, `${randomBytes(12).toString('hex')}${SUFFIX}`)
      const descriptor = system.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
      // Who let go of the last record has just removed the directory.
      if (descriptor === -ENOENT) continue
      check(descriptor, operation, path)
      // Somebody who looks at records may have come between the two calls, and has the lock or has removed the file.
      if (system.lockFile(descriptor, true) === 0 && stillThere(path)) {
        return new HeldRecord(directory, path, descriptor)
      }
      removeFile(path)
      system.close(descriptor)
    }
  }

  /**
   * Holds a record together with whoever passed its descriptor, which stays the caller's.
   *
   * - Errors: `CORRUPT` it is no record of that user; `RESET` nobody holds it any more.
   */
  static adopt(passed: number, name: string, { owner, url }: { owner: number; url: URL }): HeldRecord {
    const fail = (code: 'CORRUPT' | 'RESET', reason: string) =>
      new StraitError(code, reason, { operation: 'connect', url })
    const stat = fstatSync(passed)
    if (!RECORD_NAME.test(name) || !stat.isFile() || stat.uid !== owner)
      throw fail('CORRUPT', 'the listener passed something else than its record')
    const system = native('connect')
    // A lock belongs to an open file: the passed one is the other end's.
    const descriptor = check(system.open(`/proc/self/fd/${passed}`, constants.O_RDWR, 0), 'connect', url.href)
    const directory = runtimeDirectory()
    const record = new HeldRecord(directory, join(directory, `${name}${SUFFIX}`), descriptor)
    if (record.#lock(false)) return record
    system.close(descriptor)
    throw fail('RESET', 'the listener is gone')
  }

  /** To pass on, to whoever adopts it; it stays this object's. */
  get descriptor(): number {
    return this.#descriptor
  }

  /** From now on another end may adopt it. */
  share(): void {
    this.#lock(false)
  }

  /** Whether nobody else holds it; nobody will from now on. */
  isLast(): boolean {
    return this.#lock(true)
  }

  /**
   * Tells when nobody else holds it any more, in a later turn of the event loop; nobody will from then on. Does not keep
   * the process alive. Where there can be no more threads, it lets go of the record and leaves all to the sweep.
   */
  whenLast(tell: () => void): void {
    try {
      const call = new BlockedCall(this.#path, (result) => {
        call.close()
        if (result >= 0) tell()
        else this.leave()
      })
      call.start((blocker) => native().lockFileStart(blocker, this.#descriptor))
    } catch {
      this.leave()
    }
  }

  #lock(exclusive: boolean): boolean {
    return native().lockFile(this.#descriptor, exclusive) === 0
  }

  /**
   * Before the object is created.
   *
   * - Errors: `NO_RESOURCES` the record does not fit on the file system.
   */
  add(object: Recorded): void {
    const line = Buffer.from(`${JSON.stringify(object)}\n`)
    try {
      for (let written = 0; written < line.length; )
        written += writeSync(this.#descriptor, line, written, line.length - written)
    } catch (error) {
      throw systemError(error, 'record', this.#path)
    }
  }

  /** When nothing that the record names is there any more. */
  release(): void {
    // One that was adopted may lie in a directory of another user, or be somebody else's by that name.
    if (this.#isAt(this.#path)) removeFile(this.#path)
    this.leave()
    removeIfEmpty(this.directory)
  }

  /** Lets go of it; it is the other end's now. */
  leave(): void {
    native().close(this.#descriptor)
  }

  #isAt(path: string): boolean {
    const [there, held] = [lstatSync(path, { throwIfNoEntry: false }), fstatSync(this.#descriptor)]
    return there?.ino === held.ino && there.dev === held.dev
  }
}

function stillThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function checkRemoved(result: number, name: string): void {
  if (result !== -ENOENT) check(result, 'sweep', name)
}

/** Unless it is somebody else's, who has happened to take the same key. */
function removeSystemVQueue(name: string): void {
  const id = native('sweep').msgGet(Number(name), 0, 0)
  if (id === -ENOENT) return
  const state = new Int32Array(9)
  native().msgState(check(id, 'sweep', name), state)
  const [, , owner = 0, maker = 0] = state
  if (owner >>> 0 !== ownUid() || maker >>> 0 !== ownUid()) return
  const result = native().msgRemove(id)
  if (result !== -EIDRM && result !== -EINVAL) check(result, 'sweep', name)
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // Others have records there.
  }
}

/** A record as one finds it. */
export interface FoundRecord {
  readonly path: string
  /** Somebody holds it. */
  readonly alive: boolean
  readonly objects: readonly Recorded[]
}

/**
 * The records of this user, and what they name. Removes those of the dead, with what they name, where `remove`.
 *
 * - Errors: `PERMISSION` somebody else's directory stands there.
 */
export function findRecords({ remove }: { remove: boolean }): FoundRecord[] {
  const directory = runtimeDirectory()
  if (!isOurs(directory, 'sweep')) return []
  const found = namesIn(directory)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => look(join(directory, name), remove))
  if (remove) removeIfEmpty(directory)
  return found.filter((record) => record !== undefined)
}

/**
 * Removes what killed processes of this user left.
 *
 * - Errors: those of {@link findRecords}.
 */
export const sweep = (): void => void findRecords({ remove: true })

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    // Somebody has just removed the last record, and the directory.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw systemError(error, 'sweep', directory)
  }
}

/** Others may be looking at the same one, or letting go of it: what is gone meanwhile is none. */
function look(path: string, remove: boolean): FoundRecord | undefined {
  const system = native('sweep')
  const { O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants
  const descriptor = system.open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0)
  if (descriptor < 0) return undefined
  try {
    if (!fstatSync(descriptor).isFile()) return undefined
    const alive = system.lockFile(descriptor, true) !== 0
    const objects = objectsIn(readFileSync(descriptor, { encoding: 'utf8' }))
    if (!stillThere(path)) return undefined
    if (remove && !alive) removeOrphans(path, objects)
    return { path, alive, objects }
  } finally {
    system.close(descriptor)
  }
}

/** What cannot be removed stays, with its record. */
function removeOrphans(path: string, objects: readonly Recorded[]): void {
  try {
    for (const { kind, name } of objects) KINDS[kind].remove(name)
    removeFile(path)
  } catch {
    // The next sweep tries again; nobody shall fail because of what somebody else left.
  }
}

/** A line that is cut, or no line of ours, names nothing that was created. */
function objectsIn(text: string): Recorded[] {
  const lines = text.split('\n').slice(0, -1)
  return lines.flatMap((line) => {
    try {
      const object = JSON.parse(line) as Recorded
      return Object.hasOwn(KINDS, object.kind) && KINDS[object.kind].isName(object.name) ? [object] : []
    } catch {
      return []
    }
  })
}
