import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BaseChannel,
  type BaseListener,
  type ChannelOptions,
  type ConnectOptions,
  parseAddress,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { Actor } from './actor.js'
import { census, settledLeftovers } from './census.js'
import { Host, type RemoteActor } from './remote.js'
import { warmUp, warmUpPlace } from './warm-up.js'
import { startWatchdog, watch } from './watchdog.js'

/** What the suite needs of a test runner; vitest, node:test and mocha all have it. */
export interface Runner {
  describe(name: string, body: () => void): void
  it(name: string, body: () => Promise<void>): void
}

export interface Subject {
  readonly transport: PeerTransport
  /** The module that other processes import. Unneeded where the ends cannot live apart. */
  readonly module?: string
  /** Its export that is the transport. Default: `transport`. */
  readonly exported?: string
  /** An address that nobody uses. `directory` is empty, private, and looked at after the test. */
  readonly address?: (directory: string, name: string) => string
  /** How long a test may take before it counts as hung, in ms. Default: 20,000. */
  readonly guard?: number
  /**
   * Default: all that the transport has functions for. Fewer are enough for a second kind of address of a transport that
   * is tested in all of them by its first.
   */
  readonly arrangements?: readonly Arrangement[]
}

/** Where the far end is, and which end came to the other. */
export type Arrangement =
  | 'pair'
  | 'here, near connects'
  | 'here, near accepts'
  | 'other process, near connects'
  | 'other process, near accepts'
  | 'spawned peer'

export interface Couple {
  readonly near: BaseChannel
  readonly far: RemoteActor
  /** The far end's process, where it is another one. */
  readonly host: Host | undefined
}

/** Whether one end can die alone, as a process or a thread. */
export const livesApart = ({ capabilities, thread }: PeerTransport) =>
  capabilities.scope !== 'process' || thread !== undefined

/** The arrangements in which a transport is tested. */
export function arrangementsOf(subject: Subject): readonly Arrangement[] {
  return subject.arrangements ?? possibleFor(subject.transport)
}

function possibleFor(transport: PeerTransport): Arrangement[] {
  const named = transport.listen !== undefined && transport.connect !== undefined
  const arrangements: Arrangement[] = []
  if (named) arrangements.push('here, near connects')
  else if (transport.pair !== undefined) arrangements.push('pair')
  if (!livesApart(transport)) return named ? [...arrangements, 'here, near accepts'] : arrangements
  if (named) arrangements.push('other process, near connects', 'other process, near accepts')
  arrangements.push('spawned peer')
  return arrangements
}

/** Whether a spawned peer comes to its channel as any other process does: it connects to an address. */
export const spawnsByAddress = ({ listen, connect, inherit, privateAddress }: PeerTransport) =>
  listen !== undefined && connect !== undefined && inherit === undefined && privateAddress !== undefined

export const isRemote = (arrangement: Arrangement) => /process|spawned/.test(arrangement)

/** Hosts that wait for the next test of their transport. They end with this process. */
const idleHosts = new Map<PeerTransport, Host[]>()

function idleOf({ transport }: Subject): Host[] {
  const idle = idleHosts.get(transport) ?? []
  idleHosts.set(transport, idle)
  return idle
}

function startHost(subject: Subject): Host {
  return Host.start(subject, { warmUpAt: warmUpPlace(subject) }).unref()
}

/** One running test: makes couples, and afterwards ends everything and looks for leftovers. */
export class Trial {
  readonly subject: Subject
  readonly arrangement: Arrangement
  readonly directory = mkdtempSync(join(tmpdir(), 'strait-suite-'))
  readonly #endings: (() => unknown)[] = []
  #addresses = 0
  #host: Host | undefined

  constructor(subject: Subject, arrangement: Arrangement) {
    this.subject = subject
    this.arrangement = arrangement
  }

  get transport(): PeerTransport {
    return this.subject.transport
  }

  /** Runs at the end of the test, however it ends; last in, first out. */
  atEnd(ending: () => unknown): void {
    this.#endings.push(ending)
  }

  keep(channel: BaseChannel): BaseChannel {
    this.atEnd(() => channel.abort())
    return channel
  }

  address(): URL {
    return parseAddress(this.subject.address!(this.directory, `t${this.#addresses++}`), 'test')
  }

  async listen(
    options: ChannelOptions & { backlog?: number } = {},
    url = this.address(),
  ): Promise<BaseListener<BaseChannel>> {
    const listener = (await this.transport.listen!(url, options)) as BaseListener<BaseChannel>
    this.atEnd(() => listener.close())
    return listener
  }

  async connect(url: URL, options: ConnectOptions = {}): Promise<BaseChannel> {
    return this.keep(await this.transport.connect!(url, options))
  }

  /** Before anything is counted: there is a host to take, so that its pipes are none of the test's. */
  prepare(): void {
    const idle = idleOf(this.subject)
    if (this.subject.module !== undefined && idle.length === 0) idle.push(startHost(this.subject))
  }

  /** A process for far ends. One that no test has killed serves the next test too. */
  host(): Host {
    if (this.#host?.spent === false) return this.#host
    const idle = idleOf(this.subject)
    const host = idle.pop() ?? startHost(this.subject)
    this.#host = host
    this.atEnd(async () => {
      if (host.spent) {
        await host.kill()
      } else {
        const left = await host.call<string[]>('reset')
        idle.push(host)
        assert.deepEqual(left, [], 'C11 something was left behind in the other process')
      }
    })
    return host
  }

  /** A process of another user. */
  stranger(uid: number): Host {
    const host = Host.start(this.subject, { uid, gid: uid })
    this.atEnd(() => host.kill())
    return host
  }

  /** Two ends, arranged as this test's name says. */
  async couple(near: ChannelOptions = {}, far: ChannelOptions = near): Promise<Couple> {
    if (this.arrangement === 'pair') {
      const [a, b] = await this.transport.pair!(near)
      return { near: this.keep(a), far: new Actor(this.keep(b)), host: undefined }
    }
    if (this.arrangement === 'spawned peer') {
      const { host, channel, actor } = await Host.spawn(this.subject, near)
      this.atEnd(() => host.kill())
      return { near: this.keep(channel), far: actor, host }
    }
    if (this.arrangement === 'here, near connects' || this.arrangement === 'here, near accepts') {
      const nearConnects = this.arrangement === 'here, near connects'
      const listener = await this.listen(nearConnects ? far : near)
      const connected = await this.connect(listener.url, nearConnects ? near : far)
      const accepted = this.keep((await listener.accept())!)
      await listener.close()
      const [here, there] = nearConnects ? [connected, accepted] : [accepted, connected]
      return { near: here, far: new Actor(there), host: undefined }
    }
    const host = this.host()
    if (this.arrangement === 'other process, near connects') {
      const listener = await host.call<{ id: number; url: string }>('listen', this.address().href, far)
      const connected = await this.connect(parseAddress(listener.url, 'test'), near)
      const actor = host.actor(await host.call<number>('accept', listener.id))
      await host.call('unlisten', listener.id)
      return { near: connected, far: actor, host }
    }
    const listener = await this.listen(near)
    const id = await host.call<number>('connect', listener.url.href, far)
    const accepted = this.keep((await listener.accept())!)
    await listener.close()
    return { near: accepted, far: host.actor(id), host }
  }

  async end(): Promise<void> {
    for (let ending = this.#endings.pop(); ending !== undefined; ending = this.#endings.pop()) await ending()
  }
}

/** How many turns of the event loop a hang has at least. */
const TICKS = 20

const warm = new Map<PeerTransport, Promise<unknown>>()

/** Once for each transport: what comes on first use and stays is not left by a test. */
function warmOnce(subject: Subject): Promise<unknown> {
  const { transport } = subject
  const { sync } = transport.capabilities
  if (!warm.has(transport)) {
    warm.set(transport, Promise.all([warmUp(transport, warmUpPlace(subject)), sync && startWatchdog()]))
  }
  return warm.get(transport)!
}

/** Runs one test: a hang is a failure with a name, and what stays behind is a failure too. */
export async function runTrial(
  name: string,
  trial: Trial,
  body: (trial: Trial) => Promise<void>,
  patience = 1,
): Promise<void> {
  await warmOnce(trial.subject)
  trial.prepare()
  const unwatch = watch(name)
  const before = census(trial.directory)
  const guard = (trial.subject.guard ?? 20_000) * patience
  let ticks = 0
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    // In ticks, each a turn of the event loop: a machine that is busy with other things does not count as a hang.
    timer = setInterval(() => {
      if (++ticks > TICKS) reject(new assert.AssertionError({ message: `hung: nothing for ${guard} ms` }))
    }, guard / TICKS)
  })
  try {
    const running = body(trial)
    running.catch(() => {})
    await Promise.race([running, hung])
    clearInterval(timer)
    await trial.end()
    const patience = Math.min(5_000, trial.subject.guard ?? 5_000)
    const left = await settledLeftovers(before, () => census(trial.directory), patience)
    assert.deepEqual(left, [], 'C11 something was left behind')
  } finally {
    clearInterval(timer)
    await trial.end()
    unwatch()
    rmSync(trial.directory, { recursive: true })
  }
}

/** Registers tests; each clause of the contract gets one of these. */
export interface Clause {
  readonly subject: Subject
  /** A test in every arrangement; `remote` only where the far end is another process. */
  test(name: string, body: (trial: Trial) => Promise<void>, where?: 'remote'): void
  /** A test that needs no couple, for transports with `listen` and `connect`. */
  named(name: string, body: (trial: Trial) => Promise<void>): void
  /** A test that needs no couple. One that has much to do may take `patience` times as long as others. */
  once(name: string, body: (trial: Trial) => Promise<void>, patience?: number): void
}
