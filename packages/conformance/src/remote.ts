import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { BaseChannel } from '@strait/core'
import { type PeerExit, type SpawnedPeer, spawnPeer } from '@strait/core/node'
import type { Actor, ActorMethod } from './actor.js'
import type { Reply, Request } from './host.js'
import type { Subject } from './suite.js'
import type { WarmUpPlace } from './warm-up.js'

const HOST = new URL('./host.js', import.meta.url)

/** How long a thread is kept busy, in ms. */
const BLOCK = 500

/** Where a host finds the transport. */
export const hostArguments = ({ module, exported = 'transport' }: Subject): string[] => [module!, exported]

/** An actor in another process. Every call returns a promise. */
export type RemoteActor = { [M in ActorMethod]: Actor[M] }

/** What a host said went wrong. */
export class RemoteError extends Error {
  readonly code: string | undefined
  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/** How a host ended. */
export type HostExit = Pick<PeerExit, 'exitCode' | 'signal'>

/** A process or thread that holds far ends; see host.ts. */
export class Host {
  /** Undefined for a thread. */
  readonly process: ChildProcess | undefined
  readonly exited: Promise<HostExit>
  readonly #stdin: Writable
  readonly #stdout: Readable
  readonly #kill: () => void
  #ended = false
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #count = 0
  #spent = false
  /** Lines that are no replies: what the phases log. */
  readonly log: string[] = []

  constructor(
    { process, thread, kill }: Pick<SpawnedPeer, 'process' | 'thread' | 'kill'>,
    exited: Promise<HostExit>,
  ) {
    const { stdin, stdout } = process ?? thread!
    this.process = process
    this.#stdin = stdin!
    this.#stdout = stdout!
    this.#kill = () => kill('SIGKILL')
    this.exited = exited.then(({ exitCode, signal }) => {
      this.#ended = true
      return { exitCode, signal }
    })
    this.#stdin.on('error', () => {})
    const lines = createInterface({ input: this.#stdout })
    lines.on('line', (line) => this.#onLine(line))
    lines.once('close', () => {
      for (const { reject } of this.#pending.values())
        reject(new RemoteError('the host process ended', undefined))
      this.#pending.clear()
    })
  }

  /** Starts a host without a channel of its own. */
  static start(
    subject: Subject,
    {
      warmUpAt,
      ...options
    }: { uid?: number; gid?: number; env?: NodeJS.ProcessEnv; warmUpAt?: WarmUpPlace | undefined } = {},
  ): Host {
    const place = warmUpAt === undefined ? [] : [warmUpAt.directory, warmUpAt.address]
    const args = ['--no-warnings', fileURLToPath(HOST), ...hostArguments(subject), ...place]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options })
    const exited = new Promise<HostExit>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
    })
    return new Host({ process: child, thread: undefined, kill: (signal) => child.kill(signal) }, exited)
  }

  /** Starts a host as a spawned peer. */
  static async spawn(
    subject: Subject,
    options: object,
  ): Promise<{ host: Host; channel: BaseChannel; actor: RemoteActor }> {
    const peer = await spawnPeer(subject.transport, `${subject.transport.schemes[0]}:`, HOST, {
      ...options,
      execArgv: ['--no-warnings'],
      args: hostArguments(subject),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const { process, thread, exited } = peer
    const host = new Host({ process, thread, kill: (signal) => peer.kill(signal) }, exited)
    return { host, channel: peer.channel, actor: host.actor(0) }
  }

  #onLine(line: string): void {
    if (!line.startsWith('{')) {
      this.log.push(line)
      return
    }
    const { id, result, error } = JSON.parse(line) as Reply
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (error === undefined) pending?.resolve(result)
    else pending?.reject(new RemoteError(error.message, error.code))
  }

  call<T>(verb: Request['verb'], ...args: unknown[]): Promise<T> {
    const id = this.#count++
    this.#spent ||= verb === 'exit' || verb === 'lonely'
    const reply = new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject })
    })
    // What nobody waits for any more because the process was killed is no unhandled rejection.
    reply.catch(() => {})
    this.#stdin.write(`${JSON.stringify({ id, verb, args } satisfies Request)}\n`)
    if (verb === 'lonely' && this.process === undefined) this.#stdin.end()
    return reply
  }

  actor(id: number): RemoteActor {
    const call =
      (method: ActorMethod) =>
      (...args: unknown[]) =>
        this.call('actor', id, method, args)
    return new Proxy({} as RemoteActor, {
      get: (_, method) => (method === 'then' ? undefined : call(method as ActorMethod)),
    })
  }

  /** Lets this process end although the host lives; the host ends with its stdin. */
  unref(): this {
    this.process?.unref()
    for (const stream of [this.#stdin, this.#stdout]) (stream as Socket).unref()
    return this
  }

  /** Whether the host has ended, or has been told something after which it is no good for another test. */
  get spent(): boolean {
    return this.#spent || this.#ended
  }

  /** Stops it in its tracks; what comes back lets it go on. A thread cannot be stopped, only kept busy for a while. */
  freeze(): () => void {
    const { process } = this
    if (process === undefined) void this.call('block', BLOCK)
    process?.kill('SIGSTOP')
    return () => process?.kill('SIGCONT')
  }

  /** SIGKILL, or `terminate()` for a thread; resolves when it is gone. */
  async kill(): Promise<HostExit> {
    this.#spent = true
    this.#kill()
    return this.exited
  }
}
