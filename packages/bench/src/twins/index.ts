import type { Lane } from '../lane.js'
import { childProcess } from './child-process.js'
import { netTcp, netUnix } from './socket.js'

/** The bare-Node program that does the same thing as a transport: what its users would have written without it. */
export const twins: Readonly<Record<string, (payloadBytes: number) => Promise<Lane>>> = {
  unix: netUnix,
  tcp: netTcp,
  fork: childProcess,
}
