import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { BaseChannel } from '../base-channel.js'
import { StraitError, throwIfAborted } from '../error.js'
import { REFUSE } from './diagnostics.js'
import { nodeArguments } from './node-arguments.js'
import { type InheritedEnds, type Invitation, PARENT_VARIABLE, type PeerTransport } from './peer-transport.js'
import {
  meet,
  type PeerExit,
  type Program,
  type SpawnedPeer,
  type SpawnOptions,
  START_TIMEOUT,
} from './spawned-peer.js'
import { systemError } from './system-error.js'

/** The child's descriptor of the lifeline. */
const LIFELINE = 3

/** Runs the entry in a process of its own, which inherits its end of the channel or connects to a private address. */
export async function spawnProcess(
  transport: PeerTransport,
  scheme: string,
  entry: string | URL,
  options: SpawnOptions,
): Promise<SpawnedPeer> {
  const { inherit } = transport
  const key = options.key ?? randomBytes(32)
  const channelOptions = { handshakeTimeout: START_TIMEOUT, ...options, key }
  // Not by URL, to which a bare `ws:` is none.
  const [, query] = scheme.split('?')
  const url = inherit === undefined ? transport.privateAddress!() : new URL(scheme)
  if (query !== undefined) url.search = query
  const listener = inherit === undefined ? await transport.listen!(url, channelOptions) : undefined
  const limits = listener === undefined ? undefined : new Limits(listener.url)
  let ends: InheritedEnds | undefined
  try {
    throwIfAborted('spawn', scheme, options.signal)
    ends = inherit?.open()
    const inherited = ends?.stdio ?? []
    const descriptors = inherited.map((_, index) => LIFELINE + 1 + index)
    const child = startChild(entry, options, inherited, scheme)
    const program = programOf(child, scheme)
    if (child.pid === undefined) await program.failed
    invite(child, {
      url: (listener?.url ?? url).href,
      key: Buffer.from(key).toString('base64'),
      descriptors,
      options: { maxMessageSize: options.maxMessageSize, idleTimeout: options.idleTimeout },
    })
    const joined =
      ends === undefined
        ? (listener!.accept() as Promise<BaseChannel>)
        : ends.parent(child, descriptors, url, channelOptions)
    ends = undefined
    return await meet(program, joined, scheme, options.signal)
  } catch (error) {
    throw StraitError.is(error, 'RESET') ? (limits?.met(scheme) ?? error) : error
  } finally {
    limits?.stop()
    ends?.release()
    await listener?.close()
  }
}

/** A limit for which the listener could not take the child in: of the child one learns only that it ended. */
class Limits {
  readonly #url: URL
  #error: StraitError | undefined
  readonly #onRefused = (message: unknown) => {
    const { url, error } = message as { url: URL; error: StraitError }
    if (url.href === this.#url.href && StraitError.is(error, 'NO_RESOURCES')) this.#error = error
  }

  constructor(url: URL) {
    this.#url = url
    subscribe(REFUSE, this.#onRefused)
  }

  met(scheme: string): StraitError | undefined {
    const cause = this.#error
    if (cause === undefined) return undefined
    return new StraitError('NO_RESOURCES', cause.reason, { operation: 'spawn', url: scheme, cause })
  }

  stop(): void {
    unsubscribe(REFUSE, this.#onRefused)
  }
}

/** Starts the child with the lifeline and what its end of the channel needs. */
function startChild(
  entry: string | URL,
  { args = [], execArgv = nodeArguments(), env = process.env, cwd, stdio = [] }: SpawnOptions,
  inherited: readonly ('pipe' | 'ipc' | number)[],
  scheme: string,
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
    throw startError(error, scheme)
  }
}

/** The lifeline brings the invitation, and then only its end, which tells the child that its parent is gone. */
function invite(child: ChildProcess, invitation: Invitation): void {
  const lifeline = child.stdio[LIFELINE] as Socket | null | undefined
  lifeline?.on('error', () => {})
  lifeline?.write(`${JSON.stringify(invitation)}\n`)
  lifeline?.unref()
}

function startError(error: unknown, scheme: string): StraitError {
  const limits = systemError(error, 'spawn', scheme)
  if (StraitError.is(limits, 'NO_RESOURCES')) return limits
  const reason = `the program could not be started: ${error instanceof Error ? error.message : error}`
  return new StraitError('SYSTEM', reason, { operation: 'spawn', url: scheme, cause: error })
}

function programOf(child: ChildProcess, scheme: string): Program {
  const failed = new Promise<never>((_, reject) => {
    // `on`, not `once`: a later one, of a signal that could not be sent, must not end this process.
    child.on('error', (error) => reject(startError(error, scheme)))
  })
  failed.catch(() => {})
  return {
    pid: child.pid!,
    process: child,
    thread: undefined,
    failed,
    exited: new Promise<PeerExit>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
    }),
    kill(signal) {
      child.kill(signal)
    },
    ref: () => child.ref(),
    unref: () => child.unref(),
  }
}
