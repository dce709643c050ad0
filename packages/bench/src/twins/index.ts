import type { Lane } from '../lane.js'
import { childProcess } from './child-process.js'
import { messagePort } from './message-port.js'
import { netTcp, netUnix } from './socket.js'
import { webSocket } from './web-socket.js'

/** Bare sockets have no boundaries: an empty message is nothing. */
const streams = ['unix', 'tcp']

/** The twin of a transport for messages of a size, if there is one. */
export function findTwin(scheme: string, payloadBytes: number): (typeof twins)[string] | undefined {
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
