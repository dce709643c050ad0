import { abortedError, StraitError } from '../error.js'
import { checkOptions } from '../handshake.js'
import { canStartPeers, type PeerTransport } from './peer-transport.js'
import { spawnHere } from './spawn-here.js'
import { spawnProcess } from './spawn-process.js'
import { spawnThread } from './spawn-thread.js'
import type { SpawnedPeer, SpawnOptions } from './spawned-peer.js'

/**
 * Starts a program and resolves with a channel to it; the program calls `parentChannel()`. The transport decides
 * whether a process, a thread or this thread runs it. `scheme` is a scheme alone, such as `unix:`, or one with the
 * parameters of its addresses, such as `shm:?wait=spin`.
 *
 * - The address is private and used once, the two ends of two processes prove a random key to each other, and neither
 *   stands in the environment or on a command line.
 * - A peer that dies fails its channel; the error's cause has its exit code or signal ({@link PeerExit}).
 * - A parent that dies, whichever way, ends its peers.
 * - Abort: kills the peer.
 * - Errors: `RESET` the peer ended before it took part; `NO_RESOURCES` a limit for which it could not; those of `listen`;
 *   `SYSTEM` it could not be started; `NOT_SUPPORTED` the transport cannot start peers; `ABORTED`.
 */
export async function spawnPeer(
  transport: PeerTransport,
  scheme: string,
  entry: string | URL,
  options: SpawnOptions = {},
): Promise<SpawnedPeer> {
  checkOptions(options)
  if (options.signal?.aborted) throw abortedError('spawn', scheme, options.signal.reason)
  const [bare = ''] = transport.privateAddress === undefined ? [scheme] : scheme.split('?', 1)
  if (!transport.schemes.some((known) => bare === `${known}:`)) {
    const reason = `spawnPeer chooses the address itself; write only ${transport.schemes[0]}:`
    throw new StraitError('ADDRESS_INVALID', reason, { operation: 'spawn', url: scheme })
  }
  if (!canStartPeers(transport)) {
    const reason = 'this transport cannot start peers'
    throw new StraitError('NOT_SUPPORTED', reason, { operation: 'spawn', url: scheme })
  }
  if (transport.thread !== undefined) return spawnThread(transport, scheme, entry, options)
  if (transport.capabilities.scope === 'process') return spawnHere(transport, entry, options)
  return spawnProcess(transport, scheme, entry, options)
}
