import assert from 'node:assert/strict'
import { type BaseChannel, json, StraitError } from '@strait/core'
import { spawnPeer } from '@strait/core/node'
import { fill } from '../fill.js'
import { digest, expected, pattern } from '../pattern.js'
import { countPhases, type Label, PHASES, type Phase, sizeInPhase } from '../phases.js'
import { Host, hostArguments } from '../remote.js'
import { type Clause, livesApart, type Trial } from '../suite.js'
import { rejectsWith } from './helpers.js'

const KILLS = Number(process.env.STRAIT_KILLS ?? 50)
const SEED = Number(process.env.STRAIT_SEED ?? 1)

/** Numbers from 0 to 1, the same for the same seed. */
function* random(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state / 2 ** 32
  }
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

/** Kills a process that holds many channels, and reads what each of them has to say. */
async function killOne(trial: Trial, delay: number): Promise<Record<Phase, number>> {
  const listener = await trial.transport.listen!(trial.address())
  const host = Host.start(trial.subject)
  const channels: Promise<[BaseChannel, Phase]>[] = []
  const accepting = (async () => {
    for await (const channel of listener as AsyncIterable<BaseChannel>) {
      channels.push(
        channel.receive().then(
          (label) => [channel, label === undefined ? 'handshake' : (json.decode(label) as Label).phase],
          () => [channel, 'handshake'],
        ),
      )
    }
  })()
  await host.call('phases', listener.url.href)
  await new Promise((resolve) => setTimeout(resolve, delay))
  await host.kill()
  await listener.close()
  await accepting
  for (const labelled of channels) {
    const [channel, phase] = await labelled
    await checkRest(channel, phase)
    await channel.closed
  }
  return countPhases(host.log)
}

/** The same where a process has one channel, given to it when it was started. */
async function killSpawned(trial: Trial, phase: Phase, delay: number): Promise<Record<Phase, number>> {
  const counts: Record<Phase, number> = {
    handshake: 0,
    idle: 0,
    'part-written': 0,
    full: 0,
    closing: 0,
    [phase]: 1,
  }
  const { transport } = trial.subject
  const sleep = () => new Promise((resolve) => setTimeout(resolve, delay))
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
    await sleep()
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
  await sleep()
  await host.kill()
  await checkRest(channel, phase)
  await channel.closed
  return counts
}

export function C11(clause: Clause): void {
  clause.test('C11 opening and closing many times leaves nothing', async (trial) => {
    const remote = trial.arrangement !== 'pair' && !trial.arrangement.startsWith('here')
    for (let round = 0; round < (remote ? 3 : 30); round++) {
      const { near, far } = await trial.couple()
      const reading = far.receive(2)
      await near.send(pattern(round, 100))
      await near.close()
      assert.deepEqual(await reading, { digests: expected(round, [100]), end: 'clean' })
    }
  })

  clause.test('C11 aborting in the middle of everything leaves nothing', async (trial) => {
    const { near, far } = await trial.couple()
    const receiving = near.receive()
    await far.fill(0, 10_000)
    await receiving
    fill(near, 0, 10_000)
    const failing = [near.send(pattern(0, 10)), near.send(pattern(0, 10))]
    near.abort()
    for (const send of failing) await rejectsWith(send, 'ABORTED')
  })

  const killing = livesApart(clause.subject.transport) ? clause.once : () => {}
  killing(
    `C11 ${KILLS} killed processes leave nothing, and every channel says the truth`,
    async (trial) => {
      const { transport } = trial
      const named = transport.listen !== undefined && transport.connect !== undefined
      const numbers = random(SEED)
      const hits: Record<Phase, number> = { handshake: 0, idle: 0, 'part-written': 0, full: 0, closing: 0 }
      for (let kill = 0; kill < KILLS; kill++) {
        const delay = numbers.next().value * 20
        const counts = named
          ? await killOne(trial, delay)
          : await killSpawned(
              trial,
              PHASES[kill % PHASES.length]!,
              delay * (kill % PHASES.length === 0 ? 5 : 1),
            )
        for (const phase of PHASES) hits[phase] += counts[phase]
      }
      const total = Object.values(hits).reduce((sum, count) => sum + count, 0)
      console.log(
        `${transport.schemes[0]}: ${KILLS} kills, seed ${SEED}, phases hit: ${JSON.stringify(hits)}`,
      )
      for (const phase of PHASES)
        assert.ok(hits[phase] >= total / 20, `${phase} was hit ${hits[phase]} times of ${total}`)
    },
    KILLS,
  )

  const { threads } = clause.subject.transport.capabilities
  const inThreads = threads ? 'may be terminated with channels open' : 'is NOT_SUPPORTED'
  clause.named(`C11 a worker thread ${inThreads}`, async (trial) => {
    if (trial.transport.capabilities.scope === 'process') return
    const { Worker } = await import('node:worker_threads')
    const { once } = (await import('node:events')).default
    const listener = await trial.listen()
    const code = `
      import(${JSON.stringify(trial.subject.module)})
        .then(({ ${trial.subject.exported ?? 'transport'}: transport }) => transport.connect(new URL(${JSON.stringify(listener.url.href)})))
        .then(async (channel) => { await channel.send(new Uint8Array(9)); await channel.receive() })
        .catch(({ code }) => require('node:worker_threads').parentPort.postMessage(code))`
    const worker = new Worker(code, { eval: true })
    if (!threads) {
      assert.deepEqual(await once(worker, 'message'), ['ERR_STRAIT_NOT_SUPPORTED'])
      return
    }
    const accepted = trial.keep((await listener.accept())!)
    assert.equal((await accepted.receive())!.length, 9)
    const exited = once(worker, 'exit')
    await worker.terminate()
    await exited
    await rejectsWith(accepted.receive(), 'RESET')
  })

  clause.once('C11 a failed listen leaves nothing', async (trial) => {
    const { listen } = trial.transport
    if (listen === undefined) return
    await trial.listen({ signal: AbortSignal.abort() }).then(
      (listener) => listener.close(),
      (error) => assert.ok(StraitError.is(error, 'ABORTED')),
    )
  })
}
