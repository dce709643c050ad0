import { writeSync } from 'node:fs'
import { type BaseChannel, json, parseAddress } from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { fill } from './fill.js'
import { pattern } from './pattern.js'

/** Where in its life a channel can be when its process is killed. */
export const PHASES = ['handshake', 'idle', 'part-written', 'full', 'closing'] as const
export type Phase = (typeof PHASES)[number]

/** The first message of every channel of {@link runPhases}. */
export interface Label {
  readonly phase: Phase
}

const SIZE = 5000

/** Takes a fresh channel into a phase and leaves it there. The reader takes the label and nothing else. */
export async function enterPhase(channel: BaseChannel, phase: Phase): Promise<void> {
  await channel.send(json.encode({ phase } satisfies Label))
  // Nobody waits for these: there may be no room for them until somebody reads.
  const send = (index: number, size: number) => void channel.send(pattern(index, size)).catch(() => {})
  if (phase === 'part-written') {
    send(0, SIZE)
    send(1, channel.capabilities.maxMessageSize)
  } else if (phase === 'full') {
    fill(channel, 0, SIZE)
  } else if (phase === 'closing') {
    send(0, SIZE)
    send(1, SIZE)
    void channel.close()
  }
}

/** What a reader may find behind the label: sizes by number. A message beyond the list is an error. */
export function sizeInPhase(phase: Phase, index: number, maxMessageSize: number): number | undefined {
  if (phase === 'full') return SIZE
  if (phase === 'part-written') return [SIZE, maxMessageSize][index]
  if (phase === 'closing') return [SIZE, SIZE][index]
  return undefined
}

/**
 * Holds many channels in different phases, and goes on connecting and aborting, until the process is killed. Logs
 * what it does with synchronous writes, so that the log is true at whatever moment death comes.
 */
export async function runPhases(transport: PeerTransport, address: string): Promise<void> {
  const connect = () => transport.connect!(parseAddress(address, 'connect'))
  const still = PHASES.filter((phase) => phase !== 'handshake')
  for (const phase of [...still, ...still]) {
    await enterPhase(await connect(), phase)
    writeSync(1, `in ${phase}\n`)
  }
  for (let loop = 0; loop < 3; loop++) void connectForEver(connect, loop)
}

/** The same with the channels that others connect: each in the next phase. */
export async function acceptPhases(channels: AsyncIterable<BaseChannel>): Promise<void> {
  const still = PHASES.filter((phase) => phase !== 'handshake')
  let count = 0
  for await (const channel of channels) {
    // Its peer may be gone already.
    enterPhase(channel, still[count++ % still.length]!).catch(() => {})
  }
}

async function connectForEver(connect: () => Promise<BaseChannel>, loop: number): Promise<void> {
  for (;;) {
    writeSync(1, `begin ${loop}\n`)
    const channel = await connect()
    writeSync(1, `done ${loop}\n`)
    await channel.send(json.encode({ phase: 'handshake' } satisfies Label))
    channel.abort()
  }
}

export const noPhases = (): Record<Phase, number> => ({
  handshake: 0,
  idle: 0,
  'part-written': 0,
  full: 0,
  closing: 0,
})

/** How many channels a log says were in each phase when it ended. */
export function countPhases(log: readonly string[]): Record<Phase, number> {
  const counts = noPhases()
  const greeting = new Set<string>()
  for (const line of log) {
    const [verb, what = ''] = line.split(' ')
    if (verb === 'in') counts[what as Phase]++
    else if (verb === 'begin') greeting.add(what)
    else if (verb === 'done') greeting.delete(what)
  }
  counts.handshake = greeting.size
  return counts
}
