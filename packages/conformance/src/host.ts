import { readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { isMainThread, workerData } from 'node:worker_threads'
import { type BaseChannel, type BaseListener, parseAddress } from '@strait/core'
import { type PeerTransport, parentChannel, spawnPeer } from '@strait/core/node'
import { Actor, type ActorMethod, type BlockingMethod, reportError } from './actor.js'
import { startBlockedThread } from './blocked-thread.js'
import { census, settledLeftovers } from './census.js'
import { acceptPhases, enterPhase, type Phase, runPhases } from './phases.js'
import { warmUp } from './warm-up.js'

// A process or thread of its own that holds far ends. It is told what to do on stdin and answers on stdout, in lines of JSON, so
// that the mechanism under test carries nothing but the test. It ends when stdin does.

export interface Request {
  readonly id: number
  readonly verb:
    | 'connect'
    | 'listen'
    | 'accept'
    | 'unlisten'
    | 'actor'
    | 'phases'
    | 'phases of accepted'
    | 'spawn'
    | 'enter'
    | 'exit'
    | 'lonely'
    | 'block'
    | 'block thread'
    | 'self'
    | 'reset'
  readonly args: readonly unknown[]
}

export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: ReturnType<typeof reportError>
}

const [, , module = '', exported = '', directory, address] = process.argv
const transport: PeerTransport = (await import(module))[exported]
const actors: Actor[] = []
const listeners: BaseListener<BaseChannel>[] = []

function add(channel: BaseChannel): number {
  return actors.push(new Actor(channel)) - 1
}

// A spawned peer's own channel is actor 0.
const spawned = process.env.STRAIT_PARENT !== undefined || workerData?.STRAIT_PARENT !== undefined
const parent = spawned ? await parentChannel(async () => transport) : undefined
if (parent !== undefined) add(parent)

function leave(): void {
  process.exit(0)
}

const verbs: Record<Request['verb'], (...args: never[]) => unknown> = {
  connect: async (address: string, options: object) =>
    add(await transport.connect!(parseAddress(address, 'connect'), options)),
  listen: async (address: string, options: object) => {
    const listener = await transport.listen!(parseAddress(address, 'listen'), options)
    return { id: listeners.push(listener as BaseListener<BaseChannel>) - 1, url: listener.url.href }
  },
  accept: async (id: number) => add((await listeners[id]!.accept())!),
  unlisten: (id: number) => listeners[id]!.close(),
  actor: (id: number, method: ActorMethod, args: never[]) =>
    (actors[id]![method] as (...args: never[]) => unknown)(...args),
  phases: async (address: string) => runPhases(transport, address),
  'phases of accepted': (id: number) => acceptPhases(listeners[id]!),
  // Starts a peer of this host and takes its channel into a phase. Returns the peer's pid.
  spawn: async (phase: Phase) => {
    const peer = await spawnPeer(transport, `${transport.schemes[0]}:`, new URL(import.meta.url), {
      args: [module, exported!],
      execArgv: ['--no-warnings'],
      // Its standard input is open as long as this process lives.
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    void enterPhase(peer.channel, phase).catch(() => {})
    return peer.pid
  },
  enter: (phase: Phase) => enterPhase(parent!, phase),
  exit: (code: number) => process.exit(code),
  // Ends everything, for the next test. Returns what is left in this process.
  reset: async () => {
    for (const listener of listeners.splice(0)) await listener.close()
    for (const actor of actors.splice(0)) await actor.abort()
    return settledLeftovers(before, () => census())
  },
  // From here on only a channel can keep this process or thread alive.
  lonely: () => {
    lines.close()
    process.stdin.off('end', leave)
    // A thread's stdin cannot be let go, only be read to its end.
    if (isMainThread) process.stdin.unref()
    else process.stdin.resume()
  },
  block: (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  'block thread': async (method: BlockingMethod, address?: string) => {
    const { asleep } = startBlockedThread({ module, exported }, method, address)
    await asleep
  },
  // Where the kernel counts what this process, or this thread, does.
  self: () => (isMainThread ? `/proc/${process.pid}/task` : `/proc/${readlinkSync('/proc/thread-self')}`),
}

if (directory !== undefined && address !== undefined) await warmUp(transport, { directory, address })
const before = census()

const lines = createInterface({ input: process.stdin })
lines.on('line', async (line) => {
  const { id, verb, args } = JSON.parse(line) as Request
  const reply: Reply = await (async () => verbs[verb](...(args as never[])))().then(
    (result) => ({ id, result }),
    (error) => ({ id, error: reportError(error) }),
  )
  process.stdout.write(`${JSON.stringify(reply)}\n`)
})
process.stdin.on('end', leave)
