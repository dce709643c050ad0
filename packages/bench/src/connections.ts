import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, loadTransport, schemeOf, spawnPeer } from 'strait'
import { now } from './clock.js'
import { isNoisy } from './doubts.js'
import type { Lane } from './lane.js'
import type { Pace } from './pace.js'
import { readAnswer, writeQuestion } from './payload.js'
import { Repeats } from './repeats.js'
import type { ConnectionRow, Plan } from './results.js'
import { peerLane } from './strait-lane.js'

const PAYLOAD_BYTES = 64
const LISTENER = new URL('./listening-peer.js', import.meta.url)
const ANSWERER = new URL('./answering-peer.js', import.meta.url)

/** Where another process listens. */
export interface Meeting {
  readonly address: string
  readonly key: Uint8Array
}

/** How to begin to talk. */
export interface Beginning {
  readonly url: string
  /** The name of a twin. */
  readonly peer?: string
  /** Starts a process and is open when it is. */
  spawn(): Promise<Lane>
  /** Undefined where no process can connect to another. */
  readonly meeting: Meeting | undefined
  /** Of the process that listens. */
  readonly pid: number | undefined
  close(): Promise<void>
}

export async function beginStrait(url: string): Promise<Beginning> {
  const spawn = async () => peerLane(await spawnPeer(url, ANSWERER), PAYLOAD_BYTES)
  const scheme = schemeOf(url, 'bench')
  const { listen, privateAddress } = await loadTransport(scheme)
  // What one process has for itself, another one cannot connect to.
  const canMeet = listen !== undefined && (privateAddress !== undefined || scheme === 'unix')
  if (!canMeet) return { url, spawn, meeting: undefined, pid: undefined, close: async () => {} }
  const directory = await mkdtemp(join(tmpdir(), 'strait-bench-'))
  const address = privateAddress?.() ?? new URL(`unix:${directory}/socket`)
  address.search = url.split('?')[1] ?? ''
  const child = fork(LISTENER, [address.href], { serialization: 'advanced' })
  const exited = once(child, 'exit')
  async function close(): Promise<void> {
    if (child.connected) child.disconnect()
    await exited
    await rm(directory, { recursive: true, force: true })
  }
  const told = await Promise.race([once(child, 'message'), exited.then(() => undefined)])
  if (told !== undefined) return { url, spawn, meeting: told[0], pid: child.pid, close }
  await close()
  throw new Error(`${url} the process that was to listen has ended`)
}

/** How long it takes to connect, to get the first answer, and to start a process that answers. */
export class Connecting {
  readonly #beginning: Beginning
  readonly #connects = new Repeats()
  readonly #firstMessages = new Repeats()
  readonly #spawns = new Repeats()

  constructor(beginning: Beginning) {
    this.#beginning = beginning
  }

  async repeat({ stretches }: Plan): Promise<void> {
    for (const durations of [this.#connects, this.#firstMessages, this.#spawns]) durations.begin()
    const { meeting } = this.#beginning
    for (let count = 0; meeting !== undefined && count < 2 * stretches; count++) await this.#connect(meeting)
    for (let count = 0; count < stretches; count += 5) await this.#spawn()
  }

  async #connect({ address, key }: Meeting): Promise<void> {
    const question = new Uint8Array(PAYLOAD_BYTES)
    writeQuestion(question, 1)
    const before = now()
    const channel = await connect(address, { key })
    const open = now()
    await channel.send(question)
    const answer = await channel.receive()
    const answered = now()
    readAnswer(answer, PAYLOAD_BYTES, 1)
    await channel.close()
    this.#connects.record(open - before)
    this.#firstMessages.record(answered - before)
  }

  async #spawn(): Promise<void> {
    const question = new Uint8Array(PAYLOAD_BYTES)
    writeQuestion(question, 1)
    const before = now()
    const lane = await this.#beginning.spawn()
    try {
      const answer = await lane.ask(question)
      this.#spawns.record(now() - before)
      readAnswer(answer, PAYLOAD_BYTES, 1)
    } finally {
      await lane.close()
    }
  }

  /** Those of connecting, or else of starting. */
  repeats(): Repeats {
    return this.#beginning.meeting === undefined ? this.#spawns : this.#connects
  }

  row(pace: Pace): ConnectionRow {
    const { url, peer, meeting } = this.#beginning
    const of = (repeats: Repeats) => (meeting === undefined ? null : repeats.total().quantiles())
    const main = this.repeats()
    const spread = pace.spreadOf(main)
    return {
      url,
      scheme: schemeOf(url, 'bench'),
      ...(peer === undefined ? {} : { peer }),
      spread: Number(spread.toPrecision(4)),
      noisy: isNoisy(spread),
      connectNs: of(this.#connects),
      firstMessageNs: of(this.#firstMessages),
      spawnNs: this.#spawns.total().quantiles(),
      rounds: main.total().count,
    }
  }

  close(): Promise<void> {
    return this.#beginning.close()
  }
}
