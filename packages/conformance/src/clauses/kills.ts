import assert from 'node:assert/strict'
import { type BaseChannel, json, parseAddress } from '@strait/core'
import { spawnPeer } from '@strait/core/node'
import { leftBy } from '../census.js'
import { digest, expected } from '../pattern.js'
import { countPhases, type Label, noPhases, PHASES, type Phase, sizeInPhase } from '../phases.js'
import { Host, hostArguments } from '../remote.js'
import { type Clause, livesApart, type Trial } from '../suite.js'
import { rejectsWith } from './helpers.js'

const SOAK = process.env.STRAIT_KILLS
/** Of two processes that talk to each other, both are killed; in soak as often as one alone. */
const PAIRS = Number(SOAK ?? 3)
const SEED = Number(process.env.STRAIT_SEED ?? 1)

/** Numbers from 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Hosts to be killed have their runtime directory in that of the test, where what they leave is found. */
const environment = ({ directory }: Trial) => ({ env: { ...process.env, XDG_RUNTIME_DIR: directory } })

/**
 * That killed processes left nothing at this address; or, where objects outlive both ends, nothing that is left once
 * somebody has listened there again.
 */
async function checkNothingLeft({ transport, directory }: Trial, address: URL | undefined): Promise<void> {
  if (transport.capabilities.persistent && address !== undefined) {
    const { XDG_RUNTIME_DIR } = process.env
    process.env.XDG_RUNTIME_DIR = directory
    const listener = await transport.listen!(address)
    await listener.close()
    if (XDG_RUNTIME_DIR === undefined) delete process.env.XDG_RUNTIME_DIR
    else process.env.XDG_RUNTIME_DIR = XDG_RUNTIME_DIR
  }
  assert.deepEqual(leftBy(directory), [], 'C11 killed processes left something')
}

/** Reads to the end what a killed peer left: whole messages in order, and then the truth about the end. */
async function checkRest(channel: BaseChannel, phase: Phase): Promise<void> {
  const limit = channel.capabilities.maxMessageSize
  let index = 0
  let clean = false
  try {
    for await (const message of channel) {
      const size = sizeInPhase(phase, index, limit)
      assert.notEqual(size, undefined, `a message too many in phase ${phase}`)
      assert.equal(digest(message), expected(index, [size!])[0])
      index++
    }
    clean = true
  } catch (error) {
    await rejectsWith(Promise.reject(error), 'RESET', 'TRUNCATED')
  }
  // Only who had said its end has a clean one.
  if (clean) assert.equal(phase, 'closing')
  if (clean) assert.equal(index, 2)
}

type Labelled = Promise<[BaseChannel, Phase]>

const labelled = (channel: BaseChannel): Labelled =>
  channel.receive().then(
    (label) => [channel, label === undefined ? 'handshake' : (json.decode(label) as Label).phase],
    () => [channel, 'handshake'],
  )

async function checkAll(channels: Labelled[]): Promise<void> {
  for (const each of channels) {
    const [channel, phase] = await each
    await checkRest(channel, phase)
    await channel.closed
  }
}

/** Kills a process that holds many channels, and reads what each of them has to say. */
async function killConnecting(trial: Trial, delay: number): Promise<Record<Phase, number>> {
  const listener = await trial.transport.listen!(trial.address())
  const host = Host.start(trial.subject, environment(trial))
  const channels: Labelled[] = []
  const accepting = (async () => {
    for await (const channel of listener as AsyncIterable<BaseChannel>) channels.push(labelled(channel))
  })()
  await host.call('phases', listener.url.href)
  await sleep(delay)
  await host.kill()
  await listener.close()
  await accepting
  await checkAll(channels)
  return countPhases(host.log)
}

/** The same with a process that listens. */
async function killListening(trial: Trial, delay: number): Promise<Record<Phase, number>> {
  const host = Host.start(trial.subject, environment(trial))
  const address = trial.address()
  const { id, url } = await host.call<{ id: number; url: string }>('listen', address.href)
  void host.call('phases of accepted', id)
  const connect = () => trial.transport.connect!(parseAddress(url, 'connect'))
  const counts = noPhases()
  const channels: Labelled[] = []
  for (let index = 0; index < 8; index++) {
    const [channel, phase] = await labelled(await connect())
    channels.push(Promise.resolve([channel, phase]))
    counts[phase]++
  }
  let greeting = 0
  const connecting = [0, 1, 2].map(async () => {
    for (;;) {
      greeting++
      const channel = await connect()
      greeting--
      const [, phase] = await labelled(channel)
      channel.abort()
      if (phase === 'handshake') return
    }
  })
  for (const each of connecting) each.catch(() => {})
  await sleep(delay)
  counts.handshake = greeting
  await host.kill()
  for (const each of connecting)
    await each.catch((error) => rejectsWith(Promise.reject(error), 'RESET', 'TRUNCATED', 'REFUSED'))
  await checkAll(channels)
  await checkNothingLeft(trial, address)
  return counts
}

/** The same where a process has one channel, given to it when it was started. */
async function killSpawned(trial: Trial, phase: Phase, delay: number): Promise<Record<Phase, number>> {
  const counts = { ...noPhases(), [phase]: 1 }
  const { transport } = trial.subject
  if (phase === 'handshake') {
    const controller = new AbortController()
    const starting = spawnPeer(
      transport,
      `${transport.schemes[0]}:`,
      new URL('../host.js', import.meta.url),
      {
        args: hostArguments(trial.subject),
        execArgv: ['--no-warnings'],
        stdio: ['pipe', 'ignore', 'inherit'],
        signal: controller.signal,
      },
    )
    await sleep(delay)
    controller.abort()
    // On a fast machine the peer has taken part before the delay is over: then this was another phase.
    const peer = await starting.catch((error: unknown) => rejectsWith(Promise.reject(error), 'ABORTED'))
    if (!(peer instanceof Error)) {
      counts.handshake = 0
      counts.idle = 1
      peer.kill('SIGKILL')
      await peer.exited
      await rejectsWith(peer.channel.receive(), 'RESET')
    }
    return counts
  }
  const { host, channel } = await Host.spawn(trial.subject, {})
  await host.call('enter', phase)
  await channel.receive()
  await sleep(delay)
  await host.kill()
  await checkRest(channel, phase)
  await channel.closed
  return counts
}

/** Two processes that connect, send and abort all the time, killed together; either may be the first. */
async function killBoth(trial: Trial, numbers: () => number): Promise<void> {
  const address = trial.address()
  const hosts = [0, 1].map(() => Host.start(trial.subject, environment(trial))) as [Host, Host]
  const { id, url } = await hosts[0].call<{ id: number; url: string }>('listen', address.href)
  void hosts[0].call('phases of accepted', id)
  const connecting = hosts[1].call('phases', url)
  // Sometimes in the middle of the first greetings.
  if (numbers() < 0.5) await connecting
  await sleep(numbers() * 20)
  if (numbers() < 0.5) hosts.reverse()
  await Promise.all(hosts.map((host) => host.kill()))
  await checkNothingLeft(trial, address)
}

/** A process and the peer that it started, killed together. */
async function killFamily(trial: Trial, phase: Phase, numbers: () => number): Promise<void> {
  const parent = Host.start(trial.subject, environment(trial))
  const pid = await parent.call<number>('spawn', phase)
  await sleep(numbers() * 20)
  const kill = [() => parent.kill(), async () => process.kill(pid, 'SIGKILL')]
  if (numbers() < 0.5) kill.reverse()
  await Promise.all(kill.map((each) => each()))
  await parent.exited
  await checkNothingLeft(trial, undefined)
}

export function kills(clause: Clause): void {
  const { transport } = clause.subject
  if (!livesApart(transport)) return
  const named = transport.listen !== undefined && transport.connect !== undefined
  // One that connects has channels in all phases, one that is spawned is in one.
  const times = Number(SOAK ?? (named ? 6 : 12))

  clause.once(
    `C11 ${times} killed processes leave nothing, and every channel says the truth`,
    async (trial) => {
      const numbers = random(SEED)
      const hits = noPhases()
      for (let kill = 0; kill < times; kill++) {
        const phase = PHASES[kill % PHASES.length]!
        const delay = numbers() * 20
        const killNamed = kill % 2 === 0 ? killConnecting : killListening
        const counts = named
          ? await killNamed(trial, delay)
          : await killSpawned(trial, phase, phase === 'handshake' ? delay * 5 : delay)
        for (const phase of PHASES) hits[phase] += counts[phase]
      }
      const total = Object.values(hits).reduce((sum, count) => sum + count, 0)
      console.log(
        `${transport.schemes[0]}: ${times} kills, seed ${SEED}, phases hit: ${JSON.stringify(hits)}`,
      )
      for (const phase of PHASES)
        assert.ok(hits[phase] >= total / 20, `${phase} was hit ${hits[phase]} times of ${total}`)
    },
    times,
  )

  // The threads of one process cannot be killed but with it.
  if (transport.thread !== undefined) return
  clause.once(
    `C11 ${PAIRS} pairs of killed processes leave nothing`,
    async (trial) => {
      const numbers = random(SEED)
      for (let pair = 0; pair < PAIRS; pair++) {
        if (named) await killBoth(trial, numbers)
        else await killFamily(trial, PHASES[pair % PHASES.length]!, numbers)
      }
      console.log(`${transport.schemes[0]}: ${PAIRS} pairs killed, seed ${SEED}`)
    },
    PAIRS,
  )
}
