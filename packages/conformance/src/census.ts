import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** What this process holds in the kernel, and what bears the name of the test's directory. */
export interface Census {
  readonly descriptors: string[]
  readonly threads: number
  /** Objects with a name, or with the number of this process, in words. */
  readonly objects: string[]
}

/**
 * Descriptors of objects of communication; files that Node reads come and go. What has lost its name was a FIFO or
 * shared memory; a record is held open as long as it answers for something.
 */
const COMMUNICATION =
  /^(?:socket|pipe|\/memfd|anon_inode:\[(?:eventfd|signalfd|timerfd)\])|\.record$| \(deleted\)$/

export function census(directory?: string): Census {
  const descriptors: string[] = []
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`)
      if (COMMUNICATION.test(target)) descriptors.push(target)
    } catch {
      // The descriptor of the directory being read.
    }
  }
  return {
    descriptors: descriptors.sort(),
    threads: readdirSync('/proc/self/task').length,
    objects: [...ownedHere(), ...(directory === undefined ? [] : namedAfter(directory))],
  }
}

/**
 * What lies in the directory of a test, and what bears its name: other tests run at the same time, and theirs bear
 * others. Shared memory and POSIX queues, where they can be listed.
 */
function namedAfter(directory: string): string[] {
  const name = basename(directory)
  return [
    ...readdirSync(directory, { recursive: true }).map((file) => `file ${file}`),
    ...named('/dev/shm', name).map((file) => `shared memory ${file}`),
    ...named('/dev/mqueue', name).map((file) => `POSIX queue ${file}`),
  ].sort()
}

/** The same of processes that are gone; abstract names of sockets too, which in this one are descriptors. */
export function leftBy(directory: string): string[] {
  const sockets = readFileSync('/proc/net/unix', 'utf8').split('\n')
  const left = sockets.filter((line) => line.includes('@strait/') && line.includes(basename(directory)))
  return [...namedAfter(directory), ...left.map((line) => `abstract name ${line.slice(line.indexOf('@'))}`)]
}

function named(directory: string, name: string): string[] {
  try {
    return readdirSync(directory).filter((file) => file.includes(name))
  } catch {
    return []
  }
}

/** System V objects have numbers for names. Who made or last used one is all that tells whose it is; proc_sysvipc(5). */
const PIDS = { shm: ['cpid'], msg: ['lspid', 'lrpid'] }

function ownedHere(): string[] {
  return Object.entries(PIDS).flatMap(([kind, columns]) => {
    const [head, ...rows] = table(`/proc/sysvipc/${kind}`)
    return rows
      .filter((row) => columns.some((column) => Number(row[head!.indexOf(column)]) === process.pid))
      .map((row) => `System V ${kind} ${row[1]}`)
  })
}

function table(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
  } catch {
    return [[]]
  }
}

/** What is there now and was not before, in words; empty when nothing is. */
export function leftovers(before: Census, now: Census): string[] {
  const threads = now.threads - before.threads
  return [
    ...without(now.descriptors, before.descriptors).map((target) => `descriptor ${target}`),
    ...(threads > 0 ? [`${threads} threads`] : []),
    ...without(now.objects, before.objects),
  ]
}

/** `all` without those that are in `known`, each as often as there: some descriptors have all the same name. */
function without(all: readonly string[], known: readonly string[]): string[] {
  const rest = [...known]
  return all.filter((each) => {
    const index = rest.indexOf(each)
    if (index >= 0) rest.splice(index, 1)
    return index < 0
  })
}

/**
 * What is left once the event loop has closed what was released: descriptors are closed some turns later, what leaks
 * stays. Looks again for up to `patience` ms.
 */
export async function settledLeftovers(
  before: Census,
  count: () => Census,
  patience = 5_000,
): Promise<string[]> {
  const deadline = Date.now() + patience
  for (;;) {
    const left = leftovers(before, count())
    if (left.length === 0 || Date.now() > deadline) return left
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
