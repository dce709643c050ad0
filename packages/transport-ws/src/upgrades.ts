import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'

export type Server = HttpServer | HttpsServer

/** Has the upgrade requests of one path. */
export type Taker = (request: IncomingMessage, socket: Socket, head: Buffer) => void

interface Door {
  readonly takers: Map<string, Taker>
  readonly onUpgrade: Taker
}

const doors = new WeakMap<Server, Door>()

/**
 * Takes the upgrades of a path at a server; all others are left to whoever else listens for them. Returns how to give
 * the path back, or undefined: it is taken.
 */
export function takeUpgrades(server: Server, path: string, taker: Taker): (() => void) | undefined {
  const { takers, onUpgrade } = doors.get(server) ?? open(server)
  if (takers.has(path)) return undefined
  takers.set(path, taker)
  return () => {
    takers.delete(path)
    if (takers.size > 0) return
    server.off('upgrade', onUpgrade)
    doors.delete(server)
  }
}

/** One listener for all paths of a server, so that somebody knows of a path that nobody has. */
function open(server: Server): Door {
  const takers = new Map<string, Taker>()
  const onUpgrade: Taker = (request, socket, head) => {
    const taker = takers.get(request.url!)
    if (taker !== undefined) taker(request, socket, head)
    else if (server.listenerCount('upgrade') === 1) turnAway(socket, 404)
  }
  const door = { takers, onUpgrade }
  doors.set(server, door)
  server.on('upgrade', onUpgrade)
  return door
}

/** Answers a request for an upgrade with a refusal, and hangs up. */
export function turnAway(socket: Socket, status: number): void {
  const text = `${STATUS_CODES[status]}\n`
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain',
    `Content-Length: ${text.length}`,
  ]
  socket.on('error', () => {})
  socket.write(`${head.join('\r\n')}\r\n\r\n${text}`)
  socket.destroySoon()
}
