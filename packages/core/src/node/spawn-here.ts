import { pathToFileURL } from 'node:url'
import { runAsPeer } from './parent-channel.js'
import type { PeerTransport } from './peer-transport.js'
import { explain, type PeerExit, type SpawnedPeer, type SpawnOptions } from './spawned-peer.js'

let evaluations = 0

/** Runs the entry in this thread; each peer evaluates the module anew. */
export async function spawnHere(
  transport: PeerTransport,
  entry: string | URL,
  options: SpawnOptions,
): Promise<SpawnedPeer> {
  const [channel, theirs] = await transport.pair!(options)
  const module = new URL(entry instanceof URL ? entry : pathToFileURL(entry))
  module.searchParams.set('strait', String(++evaluations))
  const exited = runAsPeer(theirs, () => import(module.href)).then(
    async (): Promise<PeerExit> => {
      await theirs.closed
      return { exitCode: 0, signal: null }
    },
    (error: unknown): PeerExit => {
      theirs.abort(error)
      return { exitCode: 1, signal: null, error }
    },
  )
  channel.explainFailure((error) => explain(error, exited))
  const peer: SpawnedPeer = {
    channel,
    pid: process.pid,
    process: undefined,
    thread: undefined,
    exited,
    kill: () => theirs.abort(),
    async close() {
      await channel.close()
      return exited
    },
    async [Symbol.asyncDispose]() {
      await peer.close()
    },
    ref: () => peer,
    unref: () => peer,
  }
  return peer
}
