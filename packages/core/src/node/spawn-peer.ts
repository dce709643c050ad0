import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { BaseChannel } from '../base-channel.js'
import type { ChannelOptions } from '../channel.js'
import { abortedError, StraitError } from '../error.js'
import { checkOptions } from '../handshake.js'
import { runAsPeer } from './parent-channel.js'
import { type Invitation, PARENT_VARIABLE, type PeerTransport } from './peer-transport.js'
import { systemError } from './system-error.js'

/** How long a hang-up waits for the news of the child's end, in ms. A child may also have aborted and live on. */
const EXIT_NEWS = 1_000

/** How long a started program may take until it calls parentChannel, in ms. */
const START_TIMEOUT = 60_000

/** The child's descriptor of the lifeline. */
const LIFELINE = 3

/** How long a peer that was closed may take to end before SIGTERM, and again before SIGKILL, in ms. */
const GRACE = 5_000

export interface SpawnOptions extends ChannelOptions {
  /** Arguments of the program. An in-process peer has no command line, so these and the rest have no effect on it. */
  args?: readonly string[] | undefined
  /** Options of Node. Default: this process's own. */
  execArgv?: readonly string[] | undefined
  env?: NodeJS.ProcessEnv | undefined
  cwd?: string | undefined
  /** What becomes of the child's stdin, stdout and stderr. Default: `['ignore', 'inherit', 'inherit']`. */
  stdio?: readonly ('ignore' | 'inherit' | 'pipe')[] | undefined
}

/** How a peer ended. Stands in the `cause` of the error with which its channel failed. */
export interface PeerExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** What an in-process peer threw. */
  readonly error?: unknown
}

/** A program that this one started, and the channel to it. */
export interface SpawnedPeer extends AsyncDisposable {
  readonly channel: BaseChannel
  /** This process's own for an in-process transport. */
  readonly pid: number
  /** The child process; undefined for an in-process transport. */
  readonly process: ChildProcess | undefined
  /** Resolves when the peer has ended. Never rejects. */
  readonly exited: Promise<PeerExit>
  /** Sends a signal; aborts the peer's end of an in-process transport. */
  kill(signal?: NodeJS.Signals): void
  /** Closes the channel and waits for the peer's end; SIGTERM after 5 s, SIGKILL after 10 s. */
  close(): Promise<PeerExit>
  ref(): this
  unref(): this
}

/**
 * Starts a program and resolves with a channel to it; the program calls `parentChannel()`.
 *
 * - The address is private and used once, the two ends prove a random key to each other, and neither stands in the
 *   environment or on a command line.
 * - A peer that dies fails its channel; the error's cause has its exit code or signal ({@link PeerExit}).
 * - A parent that dies, whichever way, ends its peers.
 * - Abort: kills the peer.
 * - Errors: `RESET` the peer ended before it took part; those of `listen`; `SYSTEM` it could not be started;
 *   `NOT_SUPPORTED` the transport cannot start peers; `ABORTED`.
 */
export async function spawnPeer(
  transport: PeerTransport,
  url: URL,
  entry: string | URL,
  options: SpawnOptions = {},
): Promise<SpawnedPeer> {
  checkOptions(options)
  if (options.signal?.aborted) throw abortedError('spawn', url, options.signal.reason)
  if (url.pathname !== '' || url.host !== '' || url.search !== '') {
    const reason = `spawnPeer chooses the address itself; write only ${url.protocol}`
    throw new StraitError('ADDRESS_INVALID', reason, { operation: 'spawn', url })
  }
  if (transport.capabilities.scope === 'process') return spawnHere(transport, url, entry, options)
  return spawnProcess(transport, url, entry, options)
}

async function spawnProcess(
  transport: PeerTransport,
  url: URL,
  entry: string | URL,
  options: SpawnOptions,
): Promise<SpawnedPeer> {
  const { inherit } = transport
  const { signal } = options
  const key = options.key ?? randomBytes(32)
  const channelOptions = { handshakeTimeout: START_TIMEOUT, ...options, key }
  const address = inherit === undefined ? transport.privateAddress?.() : url
  if (address === undefined) {
    throw new StraitError('NOT_SUPPORTED', 'this transport cannot start peers', { operation: 'spawn', url })
  }
  const listener = inherit === undefined ? await transport.listen!(address, channelOptions) : undefined
  let child: ChildProcess | undefined
  let onAbort: (() => void) | undefined
  try {
    const interrupted = new Promise<never>((_, reject) => {
      onAbort = () => reject(abortedError('spawn', url, signal?.reason))
      if (signal?.aborted) onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
    })
    if (signal?.aborted) await interrupted
    const descriptors = (inherit?.stdio ?? []).map((_, index) => LIFELINE + 1 + index)
    child = startChild(entry, options, inherit?.stdio ?? [], url)
    const failed = failureToStart(child, url)
    if (child.pid === undefined) await failed
    invite(child, {
      url: (listener?.url ?? url).href,
      key: Buffer.from(key).toString('base64'),
      descriptors,
      options: { maxMessageSize: options.maxMessageSize, idleTimeout: options.idleTimeout },
    })
    const exited = exitOf(child)
    const joined: Promise<BaseChannel> =
      inherit === undefined
        ? (listener!.accept() as Promise<BaseChannel>)
        : inherit.parent(child, descriptors, url, channelOptions)
    joined.catch(() => {})
    const joinedOrExited = joined.catch(async (error) => {
      await news(exited)
      throw error
    })
    const channel = await Promise.race([joinedOrExited, failed, endedEarly(exited, url), interrupted])
    channel.explainFailure((error) => explain(error, exited))
    return new ChildPeer(channel, child, exited)
  } catch (error) {
    // A child that never came into being has no pid, and signal 9 to nobody goes to our own process group.
    if (child?.pid !== undefined) child.kill('SIGKILL')
    throw error
  } finally {
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    await listener?.close()
  }
}

/** Starts the child with the lifeline and what its end of the channel needs. */
function startChild(
  entry: string | URL,
  { args = [], execArgv = process.execArgv, env = process.env, cwd, stdio = [] }: SpawnOptions,
  inherited: readonly ('pipe' | 'ipc')[],
  url: URL,
): ChildProcess {
  const standard = [stdio[0] ?? 'ignore', stdio[1] ?? 'inherit', stdio[2] ?? 'inherit']
  const program = entry instanceof URL ? fileURLToPath(entry) : entry
  try {
    return spawn(process.execPath, [...execArgv, program, ...args], {
      stdio: [...standard, 'pipe', ...inherited] as StdioOptions,
      env: { ...env, [PARENT_VARIABLE]: String(LIFELINE) },
      serialization: 'advanced',
      ...(cwd === undefined ? {} : { cwd }),
    })
  } catch (error) {
    throw startError(error, url)
  }
}

/** The lifeline brings the invitation, and then only its end, which tells the child that its parent is gone. */
function invite(child: ChildProcess, invitation: Invitation): void {
  const lifeline = child.stdio[LIFELINE] as Socket | null | undefined
  lifeline?.on('error', () => {})
  lifeline?.write(`${JSON.stringify(invitation)}\n`)
  lifeline?.unref()
}

function startError(error: unknown, url: URL): StraitError {
  const limits = systemError(error, 'spawn', url)
  if (StraitError.is(limits, 'NO_RESOURCES')) return limits
  const reason = `the program could not be started: ${error instanceof Error ? error.message : error}`
  return new StraitError('SYSTEM', reason, { operation: 'spawn', url, cause: error })
}

function failureToStart(child: ChildProcess, url: URL): Promise<never> {
  const failure = new Promise<never>((_, reject) => {
    // `on`, not `once`: a later one, of a signal that could not be sent, must not end this process.
    child.on('error', (error) => reject(startError(error, url)))
  })
  failure.catch(() => {})
  return failure
}

function exitOf(child: ChildProcess): Promise<PeerExit> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
}

function endedEarly(exited: Promise<PeerExit>, url: URL): Promise<never> {
  const failure = exited.then((exit) => {
    const reason = `the peer ${describe(exit)} before it took part`
    throw new StraitError('RESET', reason, { operation: 'spawn', url, cause: exit })
  })
  failure.catch(() => {})
  return failure
}

/** How the peer ended, if that becomes known soon. */
async function news(exited: Promise<PeerExit>): Promise<PeerExit | undefined> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), EXIT_NEWS)
  })
  const exit = await Promise.race([exited, silence])
  clearTimeout(timer)
  return exit
}

function describe({ exitCode, signal, error }: PeerExit): string {
  if (error !== undefined) return `threw ${error}`
  return signal === null ? `exited with code ${exitCode}` : `was killed by ${signal}`
}

/** A hang-up is completed by how the peer ended, if that news comes. */
async function explain(error: StraitError, exited: Promise<PeerExit>): Promise<StraitError> {
  if (!StraitError.is(error, 'RESET') && !StraitError.is(error, 'TRUNCATED')) return error
  const exit = await news(exited)
  if (exit === undefined) return error
  const code = StraitError.is(error, 'RESET') ? 'RESET' : 'TRUNCATED'
  return new StraitError(code, `the peer ${describe(exit)} without closing`, {
    operation: error.operation,
    url: error.url,
    cause: exit,
  })
}

class ChildPeer implements SpawnedPeer {
  readonly channel: BaseChannel
  readonly process: ChildProcess
  readonly exited: Promise<PeerExit>

  constructor(channel: BaseChannel, child: ChildProcess, exited: Promise<PeerExit>) {
    this.channel = channel
    this.process = child
    this.exited = exited
  }

  get pid(): number {
    return this.process.pid!
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.process.kill(signal)
  }

  async close(): Promise<PeerExit> {
    const timers = (['SIGTERM', 'SIGKILL'] as const).map((signal, index) =>
      setTimeout(() => this.kill(signal), GRACE * (index + 1)),
    )
    await this.channel.close()
    const exit = await this.exited
    for (const timer of timers) clearTimeout(timer)
    return exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  ref(): this {
    this.process.ref()
    this.channel.ref()
    return this
  }

  unref(): this {
    this.process.unref()
    this.channel.unref()
    return this
  }
}

let evaluations = 0

/** Runs the entry in this process; each peer evaluates the module anew. */
async function spawnHere(
  transport: PeerTransport,
  url: URL,
  entry: string | URL,
  options: SpawnOptions,
): Promise<SpawnedPeer> {
  if (transport.pair === undefined) {
    throw new StraitError('NOT_SUPPORTED', 'this transport cannot start peers', { operation: 'spawn', url })
  }
  const [channel, theirs] = await transport.pair(options)
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
