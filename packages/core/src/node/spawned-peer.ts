import type { ChildProcess } from 'node:child_process'
import type { Worker } from 'node:worker_threads'
import type { BaseChannel } from '../base-channel.js'
import type { ChannelOptions } from '../channel.js'
import { abortedError, StraitError } from '../error.js'

/** How long a hang-up waits for the news of the peer's end, in ms. A peer may also have aborted and live on. */
const EXIT_NEWS = 1_000

/** How long a started program may take until it calls parentChannel, in ms. */
export const START_TIMEOUT = 60_000

/** How long a peer that was closed may take to end before SIGTERM, and again before SIGKILL, in ms. */
const GRACE = 5_000

export interface SpawnOptions extends ChannelOptions {
  /** Arguments of the program. A peer in this thread has no command line: these and the rest have no effect on it. */
  args?: readonly string[] | undefined
  /** Options of Node. Default: this process's own, without code of its command line (`-e`). */
  execArgv?: readonly string[] | undefined
  env?: NodeJS.ProcessEnv | undefined
  /** No effect on a thread, which shares this process's directory. */
  cwd?: string | undefined
  /** What becomes of the peer's stdin, stdout and stderr. Default: `['ignore', 'inherit', 'inherit']`. */
  stdio?: readonly ('ignore' | 'inherit' | 'pipe')[] | undefined
}

/** How a peer ended. Stands in the `cause` of the error with which its channel failed. */
export interface PeerExit {
  /** 1 for a thread that was terminated. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** What a peer in this process threw. */
  readonly error?: unknown
}

/** A program that this one started, and the channel to it. */
export interface SpawnedPeer extends AsyncDisposable {
  readonly channel: BaseChannel
  /** This process's own for a peer in this process. */
  readonly pid: number
  /** The child process, where the peer is one. */
  readonly process: ChildProcess | undefined
  /** The worker thread, where the peer is one. */
  readonly thread: Worker | undefined
  /** Resolves when the peer has ended. Never rejects. */
  readonly exited: Promise<PeerExit>
  /** Sends a signal; terminates a thread; aborts the peer's end of an in-process transport. */
  kill(signal?: NodeJS.Signals): void
  /** Closes the channel and waits for the peer's end; SIGTERM after 5 s, SIGKILL after 10 s. */
  close(): Promise<PeerExit>
  ref(): this
  unref(): this
}

/** A peer's program, as a process or a thread runs it. */
export interface Program {
  readonly pid: number
  readonly process: ChildProcess | undefined
  readonly thread: Worker | undefined
  readonly exited: Promise<PeerExit>
  /** Rejects when it could not be started. */
  readonly failed: Promise<never>
  kill(signal: NodeJS.Signals): void
  ref(): void
  unref(): void
}

/**
 * Waits until a started program has joined. When it does not, it is killed.
 *
 * - Errors: as {@link spawnPeer}.
 */
export async function meet(
  program: Program,
  joined: Promise<BaseChannel>,
  scheme: string,
  signal: AbortSignal | undefined,
): Promise<SpawnedPeer> {
  let onAbort: (() => void) | undefined
  const interrupted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortedError('spawn', scheme, signal?.reason))
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  const { exited, failed } = program
  // The news of its end says more than a hang-up.
  const joinedOrExited = joined.catch(async (error) => {
    await news(exited)
    throw error
  })
  try {
    const outcomes = [joinedOrExited, failed, endedEarly(exited, scheme), interrupted]
    for (const outcome of outcomes) outcome.catch(() => {})
    const channel = await Promise.race(outcomes)
    channel.explainFailure((error) => explain(error, exited))
    return new Peer(channel, program)
  } catch (error) {
    program.kill('SIGKILL')
    // Nobody is left behind; one that could not be started has no end.
    await Promise.race([exited, failed.catch(() => {})])
    throw error
  } finally {
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
  }
}

async function endedEarly(exited: Promise<PeerExit>, scheme: string): Promise<never> {
  const exit = await exited
  const reason = `the peer ${describe(exit)} before it took part`
  throw new StraitError('RESET', reason, { operation: 'spawn', url: scheme, cause: exit })
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
export async function explain(error: StraitError, exited: Promise<PeerExit>): Promise<StraitError> {
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

class Peer implements SpawnedPeer {
  readonly channel: BaseChannel
  readonly #program: Program

  constructor(channel: BaseChannel, program: Program) {
    this.channel = channel
    this.#program = program
  }

  get pid(): number {
    return this.#program.pid
  }

  get process(): ChildProcess | undefined {
    return this.#program.process
  }

  get thread(): Worker | undefined {
    return this.#program.thread
  }

  get exited(): Promise<PeerExit> {
    return this.#program.exited
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#program.kill(signal)
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
    this.#program.ref()
    this.channel.ref()
    return this
  }

  unref(): this {
    this.#program.unref()
    this.channel.unref()
    return this
  }
}
