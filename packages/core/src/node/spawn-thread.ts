import { MessageChannel, Worker, type WorkerOptions } from 'node:worker_threads'
import { StraitError } from '../error.js'
import { PARENT_VARIABLE, type PeerTransport, type ThreadInvitation } from './peer-transport.js'
import {
  meet,
  type PeerExit,
  type Program,
  type SpawnedPeer,
  type SpawnOptions,
  START_TIMEOUT,
} from './spawned-peer.js'

/** Runs the entry in a thread of its own, with one end of a MessageChannel that nobody else has. */
export async function spawnThread(
  { thread }: PeerTransport,
  scheme: string,
  entry: string | URL,
  options: SpawnOptions,
): Promise<SpawnedPeer> {
  const { port1: ours, port2: theirs } = new MessageChannel()
  const url = new URL(scheme)
  const invitation: ThreadInvitation = {
    url: url.href,
    port: theirs,
    options: { key: options.key, maxMessageSize: options.maxMessageSize, idleTimeout: options.idleTimeout },
  }
  let worker: Worker
  try {
    worker = new Worker(entry, workerOptions(options, invitation))
  } catch (error) {
    ours.close()
    theirs.close()
    throw startError(error, scheme)
  }
  const joined = thread!.join(ours, 'listen', url, { handshakeTimeout: START_TIMEOUT, ...options })
  return meet(programOf(worker, options, scheme), joined, scheme, options.signal)
}

function workerOptions({ args = [], execArgv, env, stdio = [] }: SpawnOptions, invitation: ThreadInvitation) {
  const options: WorkerOptions = {
    argv: [...args],
    // A stream that this thread has is one that nobody else prints.
    stdin: stdio[0] === 'pipe',
    stdout: (stdio[1] ?? 'inherit') !== 'inherit',
    stderr: (stdio[2] ?? 'inherit') !== 'inherit',
    workerData: { [PARENT_VARIABLE]: invitation },
    transferList: [invitation.port],
  }
  if (execArgv !== undefined) options.execArgv = [...execArgv]
  if (env !== undefined) options.env = env
  return options
}

function startError(error: unknown, scheme: string): StraitError {
  const reason = `the thread could not be started: ${error instanceof Error ? error.message : error}`
  return new StraitError('SYSTEM', reason, { operation: 'spawn', url: scheme, cause: error })
}

function programOf(worker: Worker, { stdio = [] }: SpawnOptions, scheme: string): Program {
  if (stdio[1] === 'ignore') worker.stdout.resume()
  if (stdio[2] === 'ignore') worker.stderr.resume()
  let thrown: { error: unknown } | undefined
  let online = false
  worker.once('online', () => {
    online = true
  })
  const failed = new Promise<never>((_, reject) => {
    worker.on('error', (error: NodeJS.ErrnoException) => {
      thrown ??= { error }
      if (!online || error.code === 'ERR_WORKER_INIT_FAILED') reject(startError(error, scheme))
    })
  })
  failed.catch(() => {})
  return {
    pid: process.pid,
    process: undefined,
    thread: worker,
    failed,
    exited: new Promise<PeerExit>((resolve) => {
      worker.once('exit', (exitCode) => resolve({ exitCode, signal: null, ...thrown }))
    }),
    kill() {
      void worker.terminate()
    },
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  }
}
