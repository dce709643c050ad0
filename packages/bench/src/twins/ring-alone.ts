import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { check, native, SharedMemory } from '@strait/posix'
import type { Lane, SyncLane } from '../lane.js'
import { BareRing, capacityFor } from './bare-ring.js'

/**
 * The ring of `shm:` called through Node-API, with no channel in between: the limit of what blocks on shared memory.
 *
 * - Errors: `NOT_SUPPORTED` the addon is not built.
 */
export async function ringAlone(payloadBytes: number): Promise<Lane> {
  const name = 'the ring alone, Node-API'
  const system = native('bench')
  const capacity = capacityFor(payloadBytes)
  const memory = SharedMemory.anonymous(system.ringsSize(capacity), { reserve: false })
  const ends = new Int32Array(2)
  check(system.socketpair(system.SOCK_STREAM, ends), 'pair', 'bench')
  const [bell, peerBell] = [ends[0]!, ends[1]!]
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./ring-alone-peer.js', import.meta.url)), String(capacity)],
    // Its descriptors 3 and 4.
    { stdio: ['ignore', 'inherit', 'inherit', memory.descriptor, peerBell] },
  )
  const exited = once(child, 'exit')
  exited.catch(() => {})
  system.close(peerBell)
  let ring: BareRing
  try {
    await once(child, 'spawn')
    ring = new BareRing({ memory, capacity, bell, first: true, peer: child.pid! })
  } catch (error) {
    // Its hang-up ends the child.
    system.close(bell)
    memory.close()
    throw error
  }
  const sync: SyncLane = {
    ask(message) {
      ring.send(message)
      return ring.receive()
    },
    send: (message) => ring.send(message),
  }
  return {
    name,
    payloadBytes,
    pid: child.pid,
    sync,
    async ask(message) {
      return sync.ask(message)
    },
    send(message) {
      sync.send(message)
      return undefined
    },
    async close() {
      ring.close()
      memory.close()
      system.close(bell)
      await exited
    },
  }
}
