import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename } from 'node:path'

export interface Process {
  readonly pid: number
  readonly command: string
}

/** What one process has open and mapped; proc(5). */
interface Look {
  readonly process: Process
  readonly uid: number
  /** Inodes of sockets. */
  readonly sockets: Set<number>
  /** Files by {@link fileKey}. */
  readonly files: Set<string>
}

const DELETED = / \(deleted\)$/

/** A file that a process has: mount namespaces see its path differently, the kernel does not see its inode so. */
const fileKey = (inode: number, path: string) => `${inode} ${basename(path.replace(DELETED, ''))}`

/** A look at every process. Those of other users show only to root what they have. */
export class Processes {
  readonly #looks: readonly Look[]
  /** How many would not be looked into. */
  readonly hidden: number

  private constructor(looks: readonly Look[], hidden: number) {
    this.#looks = looks
    this.hidden = hidden
  }

  /** `files` are the paths of interest: only descriptors whose name ends alike are looked at. */
  static look(files: readonly string[]): Processes {
    const wanted = new Set(files.map((path) => basename(path)))
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    const looks = pids.map((pid) => lookInto(Number(pid), wanted))
    return new Processes(
      looks.filter((look) => typeof look === 'object'),
      looks.filter((look) => look === 'hidden').length,
    )
  }

  havingSocket(inode: number): Process[] {
    return this.#having(({ sockets }) => sockets.has(inode))
  }

  havingFile(inode: number, path: string): Process[] {
    const key = fileKey(inode, path)
    return this.#having(({ files }) => files.has(key))
  }

  withPid(pid: number): Process[] {
    return this.#having(({ process }) => process.pid === pid)
  }

  uidOf(process: Process): number | undefined {
    return this.#looks.find((look) => look.process === process)?.uid
  }

  #having(predicate: (look: Look) => boolean): Process[] {
    return this.#looks.filter(predicate).map(({ process }) => process)
  }
}

/** Gone: it ended meanwhile. */
function lookInto(pid: number, wanted: ReadonlySet<string>): Look | 'hidden' | 'gone' {
  const directory = `/proc/${pid}`
  try {
    const { uid } = statSync(directory)
    const command = printable(readFileSync(`${directory}/comm`, 'utf8').trimEnd())
    const look: Look = { process: { pid, command }, uid, sockets: new Set(), files: new Set() }
    for (const descriptor of readdirSync(`${directory}/fd`)) {
      lookAtDescriptor(`${directory}/fd/${descriptor}`, wanted, look)
    }
    for (const line of readFileSync(`${directory}/maps`, 'utf8').split('\n')) {
      const [, inode, path] = /^\S+ \S+ \S+ \S+ (\d+)\s+(\/.*)$/.exec(line) ?? []
      if (path !== undefined) look.files.add(fileKey(Number(inode), path))
    }
    return look
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM') return 'hidden'
    if (code === 'ENOENT' || code === 'ESRCH') return 'gone'
    throw error
  }
}

function lookAtDescriptor(path: string, wanted: ReadonlySet<string>, { sockets, files }: Look): void {
  try {
    const target = readlinkSync(path)
    const socket = /^socket:\[(\d+)\]$/.exec(target)
    if (socket !== null) sockets.add(Number(socket[1]))
    else if (wanted.has(basename(target.replace(DELETED, '')))) files.add(fileKey(statSync(path).ino, target))
  } catch (error) {
    // It was closed meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** A process chooses what it is called. */
const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '?')
