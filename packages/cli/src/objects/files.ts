import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { encodeName, type IpcObject, type Note } from './object.js'
import type { Processes } from './processes.js'

/** POSIX objects that the system shows as files: shared memory, semaphores, queues; shm_overview(7) and its kin. */
export interface PosixFile {
  readonly kind: 'shm' | 'sem' | 'mq'
  /** With its slash, as the library functions take it. */
  readonly name: string
  readonly path: string
  readonly stat: Stats
}

const SHARED_MEMORY = '/dev/shm'

/** A semaphore of the C library is a file beside the shared memory; sem_overview(7). */
const SEMAPHORE_PREFIX = 'sem.'

export const QUEUES_ARE_HIDDEN: Required<Note> = {
  problem: 'POSIX queues cannot be seen, because their file system is not mounted',
  mend: 'sudo mkdir -p /dev/mqueue && sudo mount -t mqueue none /dev/mqueue',
}

export function findPosixFiles(): { files: PosixFile[]; notes: Note[] } {
  const queues = queueDirectory()
  const notes = queues === undefined ? [QUEUES_ARE_HIDDEN] : []
  return { files: [...sharedMemory(), ...(queues === undefined ? [] : filesIn(queues, () => 'mq'))], notes }
}

function sharedMemory(): PosixFile[] {
  const isSemaphore = (name: string) => name.startsWith(SEMAPHORE_PREFIX)
  return filesIn(SHARED_MEMORY, (name) => (isSemaphore(name) ? 'sem' : 'shm'))
}

function filesIn(directory: string, kindOf: (name: string) => PosixFile['kind']): PosixFile[] {
  return readDirectory(directory).flatMap((entry) => {
    const path = join(directory, entry)
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat?.isFile() !== true) return []
    const kind = kindOf(entry)
    const name = `/${kind === 'sem' ? entry.slice(SEMAPHORE_PREFIX.length) : entry}`
    return [{ kind, name, path, stat }]
  })
}

function readDirectory(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    // There is none, or it is not for us: then there is nothing to show.
    return []
  }
}

/** Where the queues of this IPC namespace can be seen; mq_overview(7). */
export function queueDirectory(): string | undefined {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  return mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'mqueue')?.[1]
}

export function describePosixFile({ kind, name, path, stat }: PosixFile, processes: Processes): IpcObject {
  const holders = processes.havingFile(stat)
  const object = {
    name: `${kind}:${encodeName(name)}`,
    kind,
    state: holders.length > 0 ? ('in use' as const) : ('unused' as const),
    uid: stat.uid,
    holders,
    path,
  }
  return kind === 'mq' ? { ...object, ...queueContents(path) } : { ...object, bytes: stat.size }
}

function queueContents(path: string): { bytes?: number; details?: string } {
  try {
    const size = /QSIZE:(\d+)/.exec(readFileSync(path, 'utf8'))?.[1]
    return size === undefined ? {} : { bytes: Number(size) }
  } catch {
    return { details: 'not readable' }
  }
}
