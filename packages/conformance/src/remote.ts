import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { BaseChannel } from '@strait/core'
import { spawnPeer } from '@strait/core/node'
import type { Actor, ActorMethod } from './actor.js'
import type { Reply, Request } from './host.js'
import type { Subject } from './suite.js'

const HOST = new URL('./host.js', import.meta.url)

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

/** A process that holds far ends; see host.ts. */
export class Host {
  readonly process: ChildProcess
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #count = 0
  #spent = false
  /** Lines that are no replies: what the phases log. */
  readonly log: string[] = []

  constructor(child: ChildProcess) {
    this.process = child
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    child.stdin!.on('error', () => {})
    const lines = createInterface({ input: child.stdout! })
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
    { warmUpAt = '', ...options }: { uid?: number; gid?: number; warmUpAt?: string } = {},
  ): Host {
    const args = ['--no-warnings', fileURLToPath(HOST), ...hostArguments(subject), warmUpAt]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options })
    return new Host(child)
  }

  /** Starts a host as a spawned peer. */
  static async spawn(
    subject: Subject,
    options: object,
  ): Promise<{ host: Host; channel: BaseChannel; actor: RemoteActor }> {
    const peer = await spawnPeer(subject.transport, new URL(`${subject.transport.schemes[0]}:`), HOST, {
      ...options,
      execArgv: ['--no-warnings'],
      args: hostArguments(subject),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const host = new Host(peer.process!)
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
    this.process.stdin!.write(`${JSON.stringify({ id, verb, args } satisfies Request)}\n`)
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
    this.process.unref()
    for (const stream of [this.process.stdin, this.process.stdout]) (stream as Socket | null)?.unref()
    return this
  }

  /** Whether the host has ended, or has been told something after which it is no good for another test. */
  get spent(): boolean {
    return this.#spent || this.process.exitCode !== null || this.process.signalCode !== null
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#spent = true
    this.process.kill('SIGKILL')
    await this.exited
  }
}
