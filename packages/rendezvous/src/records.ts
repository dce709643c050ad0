import { randomBytes } from 'node:crypto'
import {
  constants,
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
import { check, native } from '@strait/posix'
import { ownUid } from './meet.js'

// What must have a name for a moment, or for its life, is recorded first and then created. A record is a file under an
// open-file-description lock (fcntl(2), F_OFD_SETLK), which ends with the last descriptor of those who hold it, whichever
// way their processes end. So a record that can be locked belongs to nobody, and what it names is an orphan.

const SUFFIX = '.record'

const ENOENT = 2

/** An object that a record answers for. */
export interface Recorded {
  readonly kind: 'fifo'
  readonly name: string
}

/** How an object of each kind is removed. Not being there is fine. */
const REMOVE: Record<Recorded['kind'], (name: string) => void> = {
  fifo: (name) => {
    // Only what lies in the runtime directory, whatever a record says.
    removeFile(join(runtimeDirectory(), basename(name)))
  },
}

/** Where this user's records lie: `$XDG_RUNTIME_DIR`, which nobody else may enter, or the temporary directory. */
export function runtimeDirectory(): string {
  const given = process.env.XDG_RUNTIME_DIR
  return given?.startsWith('/') ? join(given, 'strait') : join(tmpdir(), `strait-${ownUid()}`)
}

/** Makes the runtime directory, or makes sure that it is ours and nobody else may enter it. */
function openRuntimeDirectory(operation: string): string {
  const directory = runtimeDirectory()
  const refuse = (reason: string) =>
    new StraitError('PERMISSION', `${directory} ${reason}; XDG_RUNTIME_DIR names another place`, {
      operation,
    })
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw systemError(error, operation, directory)
  }
  const stat = lstatSync(directory)
  if (stat.isSymbolicLink()) throw refuse('is a symbolic link')
  if (!stat.isDirectory()) throw refuse('is not a directory')
  if (stat.uid !== ownUid()) throw refuse(`belongs to user ${stat.uid}`)
  if ((stat.mode & 0o077) !== 0) throw refuse('is open to other users')
  return directory
}

/** A record that this process holds. */
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
   * - Errors: `PERMISSION` somebody else's directory stands there; `NO_RESOURCES`.
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
      // A sweep may have come between the two calls: then it has the lock, and the file goes.
      if (system.lockFile(descriptor, true) === 0 && stillThere(path)) {
        return new HeldRecord(directory, path, descriptor)
      }
      system.close(descriptor)
    }
  }

  /** Before the object is created. */
  add(object: Recorded): void {
    writeSync(this.#descriptor, `${JSON.stringify(object)}\n`)
  }

  /** When nothing that the record names is there any more. */
  release(): void {
    removeFile(this.#path)
    native().close(this.#descriptor)
    removeIfEmpty(this.directory)
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

/** The records of this user, and what they name. Removes those of the dead, with what they name, where `remove`. */
export function findRecords({ remove }: { remove: boolean }): FoundRecord[] {
  const directory = runtimeDirectory()
  if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  openRuntimeDirectory('sweep')
  const found = readdirSync(directory)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => look(join(directory, name), remove))
  if (remove) removeIfEmpty(directory)
  return found.filter((record) => record !== undefined)
}

/** Removes what killed processes of this user left. */
export const sweep = (): void => void findRecords({ remove: true })

function look(path: string, remove: boolean): FoundRecord | undefined {
  const system = native('sweep')
  const descriptor = system.open(path, constants.O_RDWR | constants.O_NOFOLLOW, 0)
  if (descriptor < 0) return undefined
  try {
    const alive = system.lockFile(descriptor, true) !== 0
    const objects = readObjects(path)
    if (remove && !alive && stillThere(path)) {
      for (const { kind, name } of objects) REMOVE[kind](name)
      removeFile(path)
    }
    return { path, alive, objects }
  } finally {
    system.close(descriptor)
  }
}

/** A line that is cut, or no line of ours, names nothing that was created. */
function readObjects(path: string): Recorded[] {
  const lines = readFileSync(path, { encoding: 'utf8' }).split('\n').slice(0, -1)
  return lines.flatMap((line) => {
    try {
      const object = JSON.parse(line) as Recorded
      return Object.hasOwn(REMOVE, object.kind) ? [object] : []
    } catch {
      return []
    }
  })
}
