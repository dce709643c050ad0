import { readFileSync } from 'node:fs'
import type { Check } from './check.js'

interface Limit {
  readonly name: string
  readonly about: string
  /** With less, something of Strait does not work. */
  readonly least: number
  /** What the change sets: what the kernel begins with, or a good deal more. */
  readonly usual: number
}

/** Of a process and its children; getrlimit(2), prlimit(1). */
interface ProcessLimit extends Limit {
  /** What /proc/self/limits calls it, and prlimit(1). */
  readonly row: string
  readonly option: string
}

/** Of the system; sysctl(8). */
interface SystemLimit extends Limit {
  /** Which of several numbers. */
  readonly field?: number
}

const PROCESS_LIMITS: readonly ProcessLimit[] = [
  {
    name: 'ulimit -n',
    row: 'Max open files',
    option: 'nofile',
    about: 'files and sockets of a process',
    least: 1024,
    usual: 65536,
  },
  {
    name: 'ulimit -q',
    row: 'Max msgqueue size',
    option: 'msgqueue',
    about: 'bytes in POSIX queues, per user',
    least: 20480,
    usual: 819200,
  },
  {
    name: 'ulimit -i',
    row: 'Max pending signals',
    option: 'sigpending',
    about: 'signals in queues, per user',
    least: 256,
    usual: 16384,
  },
  {
    name: 'ulimit -l',
    row: 'Max locked memory',
    option: 'memlock',
    about: 'bytes locked in memory',
    least: 65536,
    usual: 8388608,
  },
]

const SYSTEM_LIMITS: readonly SystemLimit[] = [
  { name: 'fs.file-max', about: 'files and sockets of all processes', least: 8192, usual: 1048576 },
  { name: 'fs.pipe-max-size', about: 'bytes in a pipe', least: 65536, usual: 1048576 },
  {
    name: 'fs.pipe-user-pages-soft',
    about: 'pages in the pipes of a user',
    least: 1024,
    usual: 16384,
  },
  { name: 'net.core.wmem_default', about: 'bytes in a Unix socket', least: 131072, usual: 212992 },
  { name: 'net.core.rmem_default', about: 'bytes in other sockets', least: 131072, usual: 212992 },
  { name: 'net.core.somaxconn', about: 'connections that wait', least: 128, usual: 4096 },
  { name: 'net.unix.max_dgram_qlen', about: 'datagrams in a Unix socket', least: 10, usual: 512 },
  { name: 'fs.mqueue.queues_max', about: 'POSIX queues', least: 16, usual: 256 },
  { name: 'fs.mqueue.msg_max', about: 'messages in a POSIX queue', least: 8, usual: 10 },
  { name: 'fs.mqueue.msgsize_max', about: 'bytes in one of them', least: 1024, usual: 8192 },
  { name: 'kernel.msgmni', about: 'System V queues', least: 16, usual: 32000 },
  { name: 'kernel.msgmnb', about: 'bytes in a System V queue', least: 16384, usual: 16384 },
  { name: 'kernel.msgmax', about: 'bytes in one of its messages', least: 8192, usual: 8192 },
  { name: 'kernel.sem', field: 3, about: 'System V semaphore sets', least: 16, usual: 32000 },
  { name: 'kernel.shmmni', about: 'System V segments', least: 16, usual: 4096 },
  { name: 'kernel.shmmax', about: 'bytes in a System V segment', least: 2 ** 20, usual: 2 ** 40 },
  { name: 'kernel.shmall', about: 'pages in all of them', least: 2 ** 10, usual: 2 ** 28 },
  { name: 'kernel.yama.ptrace_scope', about: 'whom strace may watch; 0: one’s own', least: 0, usual: 0 },
]

/** What the kernel grants, what that limits, and what changes it. What this kernel does not have is left out. */
export function checkLimits(): Check[] {
  return [
    ...PROCESS_LIMITS.flatMap((limit) => {
      const value = processLimit(limit.row)
      const change = `sudo prlimit --pid $$ --${limit.option}=${limit.usual}`
      return value === undefined ? [] : judge(limit, value, change)
    }),
    ...SYSTEM_LIMITS.flatMap((limit) => {
      const numbers = systemLimit(limit.name)
      const value = numbers?.[limit.field ?? 0]
      if (numbers === undefined || value === undefined) return []
      return judge(limit, value, `sudo sysctl -w ${limit.name}=${changed(numbers, limit)}`)
    }),
  ]
}

function judge({ name, about, least }: Limit, amount: number, change: string): Check {
  const value = Number.isSafeInteger(amount) ? amount : 'unlimited'
  const rest = { group: 'limits' as const, name, value, about, change }
  // Zero is no limit where it would be none at all.
  if (amount >= least || (amount === 0 && name === 'fs.pipe-user-pages-soft'))
    return { ...rest, verdict: 'ok' }
  return {
    ...rest,
    verdict: 'warn',
    problem: `${amount} is little: ${about}; at least ${least}`,
    mend: change,
  }
}

function changed(numbers: readonly number[], { field = 0, usual }: SystemLimit): string {
  if (numbers.length === 1) return String(usual)
  return `"${numbers.map((number, index) => (index === field ? usual : number)).join(' ')}"`
}

/** The soft limit; Node raises that of open files to the hard one. */
function processLimit(row: string): number | undefined {
  const line = lines('/proc/self/limits').find((line) => line.startsWith(row))
  const soft = line?.slice(row.length).trim().split(/\s+/)[0]
  return soft === undefined ? undefined : soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

function systemLimit(name: string): number[] | undefined {
  const [line] = lines(`/proc/sys/${name.replaceAll('.', '/')}`)
  return line?.trim().split(/\s+/).map(Number)
}

/** None where the file is not there, or not for us. */
function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}
