import type { Lane } from '../lane.js'
import type { Mode } from '../mode.js'
import { childProcess } from './child-process.js'
import { messagePort } from './message-port.js'
import { nodeIpc } from './node-ipc.js'
import { ringAlone } from './ring-alone.js'
import { netTcp, netUnix } from './socket.js'
import { webSocket } from './web-socket.js'

/** What a transport is measured beside: what its users would have written without it. */
export interface Twin {
  readonly name: string
  /** Rejects with {@link Missing} where something that it is made of is not there. */
  open(payloadBytes: number): Promise<Lane>
}

/** The twins of a transport for messages of a size in a mode. Default: hot. */
export function findTwins(scheme: string, payloadBytes: number, mode: Mode = 'hot'): readonly Twin[] {
  if (mode === 'sync') return blockingTwins[scheme] ?? []
  // What a bare-Node program would write in place, there is not.
  if (mode === 'leased') return []
  return payloadBytes === 0 && streams.includes(scheme) ? [] : (twins[scheme] ?? [])
}

/** Bare sockets have no boundaries: an empty message is nothing. */
const streams = ['unix', 'tcp']

/** By the scheme of the transport. */
export const twins: Readonly<Record<string, readonly Twin[]>> = {
  unix: [
    { name: 'net, Unix socket', open: netUnix },
    { name: 'node-ipc', open: (size) => nodeIpc('node-ipc', 'node-ipc', size) },
    { name: '@achrinza/node-ipc', open: (size) => nodeIpc('@achrinza/node-ipc', 'achrinza-node-ipc', size) },
  ],
  tcp: [{ name: 'net, TCP', open: netTcp }],
  fork: [
    { name: 'child_process, advanced', open: (size) => childProcess('advanced', size) },
    { name: 'child_process, json', open: (size) => childProcess('json', size) },
  ],
  worker: [{ name: 'MessagePort', open: messagePort }],
  ws: [{ name: 'ws', open: webSocket }],
  // On first use, for where its binary does not load everything else still works.
  'zmq+tcp': [{ name: 'zeromq, TCP', open: async (size) => (await import('./zeromq.js')).zeroMq.tcp(size) }],
  'zmq+ipc': [{ name: 'zeromq, ipc', open: async (size) => (await import('./zeromq.js')).zeroMq.ipc(size) }],
}

/** In mode sync: what lies below a transport, for there is no bare Node that blocks on its peer. */
export const blockingTwins: typeof twins = {
  shm: [{ name: 'the ring alone, Node-API', open: ringAlone }],
}
