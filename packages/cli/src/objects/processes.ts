import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'

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
  /** Files by {@link fileKey}, open or mapped. */
  readonly files: Set<string>
  /** System V segments by {@link segmentKey}. */
  readonly segments: Set<string>
}

/** The way in which maps(5) writes it. A name will not do: one file has several, and some have none any more. */
function fileKey({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  const major = (dev >>> 8) & 0xfff
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00)
  return `${hex(major)}:${hex(minor)} ${ino}`
}

const hex = (number: number) => number.toString(16).padStart(2, '0')

/** The kernel maps a segment from a file system of its own, under its key and with its number as the inode. */
const segmentKey = (id: number, key: number) => `${id} SYSV${(key >>> 0).toString(16).padStart(8, '0')}`

/** A look at every process. Those of other users show only to root what they have. */
export class Processes {
  readonly #looks: readonly Look[]
  /** How many would not be looked into. */
  readonly hidden: number

  private constructor(looks: readonly Look[], hidden: number) {
    this.#looks = looks
    this.hidden = hidden
  }

  /** `files` are the paths of interest. */
  static look(files: readonly string[]): Processes {
    const wanted = new Set(files.flatMap((path) => [dirname(path), basename(path)]))
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

  havingFile(stat: Stats): Process[] {
    const key = fileKey(stat)
    return this.#having(({ files }) => files.has(key))
  }

  havingSegment(id: number, key: number): Process[] {
    const segment = segmentKey(id, key)
    return this.#having(({ segments }) => segments.has(segment))
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

/** Device, inode, and of a System V segment its name. */
const MAPPING = /^\S+ \S+ \S+ (\S+) (\d+)\s+\/(?:(SYSV[0-9a-f]{8}) )?/

/** Gone: it ended meanwhile. */
function lookInto(pid: number, wanted: ReadonlySet<string>): Look | 'hidden' | 'gone' {
  const directory = `/proc/${pid}`
  try {
    const { uid } = statSync(directory)
    const command = printable(readFileSync(`${directory}/comm`, 'utf8').trimEnd())
    const look: Look = {
      process: { pid, command },
      uid,
      sockets: new Set(),
      files: new Set(),
      segments: new Set(),
    }
    for (const descriptor of readdirSync(`${directory}/fd`)) {
      lookAtDescriptor(`${directory}/fd/${descriptor}`, wanted, look)
    }
    for (const line of readFileSync(`${directory}/maps`, 'utf8').split('\n')) {
      const [, device, inode, key] = MAPPING.exec(line) ?? []
      if (key !== undefined) look.segments.add(`${inode} ${key}`)
      else if (inode !== undefined) look.files.add(`${device} ${inode}`)
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
    // A stat is not always cheap, as on a network; so only where the name gives reason. A queue has no directory here.
    else if (wanted.has(dirname(target)) || wanted.has(basename(target))) files.add(fileKey(statSync(path)))
  } catch (error) {
    // It was closed meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** A process chooses what it is called. */
const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '?')
