import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { LISTENER_NAME } from '@strait/rendezvous'
import { encodeName, type IpcObject, type Note } from './object.js'
import type { Process, Processes } from './processes.js'

/** A Unix socket that listens, as /proc/net/unix shows it. */
interface Listening {
  readonly inode: number
  readonly address: string
}

/** Set while a socket listens; __SO_ACCEPTCON. */
const ACCEPTS = 0x10000

/** How Strait binds a socket file, so that it has its mode before it has its name. */
const STAGED = /^\/proc\/self\/fd\/(\d+)\/socket$/

/** Held for milliseconds, while a path is claimed. */
const CLAIM = /^@strait\/claim\//

/** The Unix sockets that listen: Strait's meeting places, and everybody's socket files and abstract names; unix(7). */
export function findSockets(processes: Processes): { objects: IpcObject[]; notes: Note[] } {
  const sockets = listening()
  const inodes = sockets.some(({ address }) => STAGED.test(address)) ? fileInodes() : new Map()
  let nameless = 0
  const objects = sockets.flatMap((socket) => {
    const holders = processes.havingSocket(socket.inode)
    if (socket.address.startsWith('@')) return abstract(socket, holders, processes)
    const path = pathOf(socket, holders, inodes.get(socket.inode))
    const stat = path === undefined ? undefined : statOrNothing(path)
    if (path !== undefined && stat?.isSocket() === true) return socketFile(path, stat, holders)
    if (STAGED.test(socket.address) && holders.length > 0) nameless++
    return []
  })
  const notes =
    nameless > 0
      ? [
          {
            problem: `${nameless} unix: listeners are left out, because their names could not be found out`,
            mend: 'sudo apt-get install iproute2',
          },
        ]
      : []
  return { objects: distinct(objects), notes }
}

function listening(): Listening[] {
  const [, ...lines] = readFileSync('/proc/net/unix', 'utf8').trimEnd().split('\n')
  return lines.flatMap((line) => {
    // Num RefCount Protocol Flags Type St Inode Path
    const [, flags, inode, address] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.+)$/.exec(line) ?? []
    if (address === undefined || (Number.parseInt(flags!, 16) & ACCEPTS) === 0) return []
    return CLAIM.test(address) ? [] : [{ inode: Number(inode), address }]
  })
}

function abstract({ address }: Listening, holders: readonly Process[], processes: Processes): IpcObject {
  const [, user, scheme, name] = LISTENER_NAME.exec(address) ?? []
  if (name !== undefined) {
    return { name: `${scheme}:${name}`, kind: 'listener', state: 'in use', uid: Number(user), holders }
  }
  const [holder] = holders
  const uid = holder === undefined ? undefined : processes.uidOf(holder)
  // Older versions of Node fill the name with zeroes, which the kernel shows as more of these.
  const trimmed = address.replace(/@+$/, '')
  return {
    name: `unix:${encodeName(trimmed)}`,
    kind: 'socket',
    state: 'in use',
    ...(uid === undefined ? {} : { uid }),
    holders,
  }
}

function socketFile(path: string, stat: Stats, holders: readonly Process[]): IpcObject {
  return { name: `unix:${encodeName(path)}`, kind: 'socket', state: 'in use', uid: stat.uid, holders, path }
}

function statOrNothing(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    // Gone, or in a directory that is not for us.
    return undefined
  }
}

/** The kernel remembers how a socket was bound, which need not be how its file is called. */
function pathOf(
  { address }: Listening,
  holders: readonly Process[],
  fileInode: number | undefined,
): string | undefined {
  if (address.startsWith('/') && !STAGED.test(address)) return address
  const [holder] = holders
  if (holder === undefined) return undefined
  try {
    const descriptor = STAGED.exec(address)?.[1]
    if (descriptor === undefined) return resolve(readlinkSync(`/proc/${holder.pid}/cwd`), address)
    // The stage is gone and its descriptor is held: it tells in which directory the name is.
    return socketIn(dirname(readlinkSync(`/proc/${holder.pid}/fd/${descriptor}`)), fileInode)
  } catch {
    return undefined
  }
}

/** The socket file in a directory that has this inode; where that is not known, the only one. */
function socketIn(directory: string, inode: number | undefined): string | undefined {
  const sockets = readdirSync(directory)
    .map((name) => join(directory, name))
    .filter((path) => {
      const stat = statOrNothing(path)
      return stat?.isSocket() === true && (inode === undefined || stat.ino === inode)
    })
  return sockets.length === 1 ? sockets[0] : undefined
}

/** The inode of each socket's file, which the kernel tells only by netlink; ss(8), sock_diag(7). */
function fileInodes(): Map<number, number> {
  const { stdout } = spawnSync('ss', ['--unix', '--listening', '--extended', '--no-header'], {
    encoding: 'utf8',
  })
  const found = new Map<number, number>()
  for (const line of stdout?.split('\n') ?? []) {
    const [, socket, file] = / (\d+) +\* 0 .*\bino:(\d+)/.exec(line) ?? []
    if (file !== undefined) found.set(Number(socket), Number(file))
  }
  return found
}

/** A listener handed to a child holds two descriptors of one socket; two sockets may share a name after a rename. */
function distinct(objects: readonly IpcObject[]): IpcObject[] {
  return [...new Map(objects.map((object) => [`${object.uid} ${object.name}`, object])).values()]
}
