import type { Lane } from '../lane.js'
import type { Mode } from '../mode.js'
import { childProcess } from './child-process.js'
import { messagePort } from './message-port.js'
import { ringAlone } from './ring-alone.js'
import { netTcp, netUnix } from './socket.js'
import { webSocket } from './web-socket.js'

/** Bare sockets have no boundaries: an empty message is nothing. */
const streams = ['unix', 'tcp']

/** The twin of a transport for messages of a size, if there is one in a mode. Default: hot. */
export function findTwin(
  scheme: string,
  payloadBytes: number,
  mode: Mode = 'hot',
): (typeof twins)[string] | undefined {
  if (mode === 'sync') return blockingTwins[scheme]
  // What a bare-Node program would write in place, there is not.
  if (mode === 'leased') return undefined
  return payloadBytes === 0 && streams.includes(scheme) ? undefined : twins[scheme]
}

/** The bare-Node program that does the same thing as a transport: what its users would have written without it. */
export const twins: Readonly<Record<string, (payloadBytes: number) => Promise<Lane>>> = {
  unix: netUnix,
  tcp: netTcp,
  fork: childProcess,
  worker: messagePort,
  ws: webSocket,
  // On first use, for where its binary does not load everything else still works.
  'zmq+tcp': async (payloadBytes) => (await import('./zeromq.js')).zeroMq.tcp(payloadBytes),
  'zmq+ipc': async (payloadBytes) => (await import('./zeromq.js')).zeroMq.ipc(payloadBytes),
}

/** In mode sync: what lies below a transport, for there is no bare Node that blocks on its peer. */
export const blockingTwins: typeof twins = {
  shm: ringAlone,
}
