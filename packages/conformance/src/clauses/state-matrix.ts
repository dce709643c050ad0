import assert from 'node:assert/strict'
import type { BaseChannel, ErrorCode } from '@strait/core'
import { blocking } from '../actor.js'
import { pattern } from '../pattern.js'
import type { Clause, Couple, Trial } from '../suite.js'
import { rejectsWith, settlesSoon, throwsWith } from './helpers.js'

/** What a method does in a state: fails with this code, ends cleanly, waits, or just succeeds. */
type Outcome = ErrorCode | 'undefined' | 'waits' | 'ok'

interface State {
  readonly clause: string
  readonly name: string
  readonly where?: 'remote'
  /** Those with a far end in the same process enter it together, for it is killed once. */
  enter(couples: readonly Couple[]): Promise<unknown>
  readonly send: Outcome
  readonly receive: Outcome
  readonly close: Outcome
  readonly after: BaseChannel['state']
}

const each = (enter: (couple: Couple) => Promise<unknown>) => (couples: readonly Couple[]) =>
  Promise.all(couples.map(enter))

/** Two messages that the peer does not read keep its end from being said. */
async function closeSlowly({ near }: Couple): Promise<void> {
  await near.send(pattern(0, 10))
  await near.send(pattern(1, 10))
  void near.close()
}

const kill = each(({ host }) => host!.kill())

async function killed(couples: readonly Couple[]): Promise<void> {
  await kill(couples)
  await Promise.all(couples.map(({ near }) => near.closed))
}

async function killedWithInput(couples: readonly Couple[]): Promise<void> {
  for (const { near, far } of couples) {
    await far.send(0, [10, 20, 30])
    await near.readable()
  }
  await kill(couples)
  for (const { near } of couples) await rejectsWith(sendForEver(near), 'RESET')
}

async function sendForEver(channel: BaseChannel): Promise<never> {
  for (;;) await channel.send(pattern(0, 100))
}

const STATES: State[] = [
  {
    clause: 'C8',
    name: 'open',
    enter: each(async () => {}),
    send: 'ok',
    receive: 'waits',
    close: 'ok',
    after: 'open',
  },
  {
    clause: 'C6',
    name: 'closing',
    enter: each(closeSlowly),
    send: 'CLOSED',
    receive: 'undefined',
    close: 'waits',
    after: 'closing',
  },
  {
    clause: 'C8',
    name: 'closed',
    enter: each(({ near, far }) => Promise.all([near.close(), far.receive(1)])),
    send: 'CLOSED',
    receive: 'undefined',
    close: 'ok',
    after: 'closed',
  },
  {
    clause: 'C8',
    name: 'aborted',
    enter: each(async ({ near }) => near.abort()),
    send: 'ABORTED',
    receive: 'ABORTED',
    close: 'ok',
    after: 'closed',
  },
  {
    clause: 'C6',
    name: 'peer closed',
    enter: each(({ near, far }) => Promise.all([far.close(), near.closed])),
    send: 'CLOSED',
    receive: 'undefined',
    close: 'ok',
    after: 'closed',
  },
  {
    clause: 'C7',
    name: 'peer aborted',
    enter: each(({ near, far }) => Promise.all([far.abort(), near.closed])),
    send: 'RESET',
    receive: 'RESET',
    close: 'ok',
    after: 'closed',
  },
  {
    clause: 'C7',
    name: 'peer killed',
    where: 'remote',
    enter: killed,
    send: 'RESET',
    receive: 'RESET',
    close: 'ok',
    after: 'closed',
  },
  {
    clause: 'C7',
    name: 'peer killed with input unread',
    where: 'remote',
    enter: killedWithInput,
    send: 'RESET',
    receive: 'ok',
    close: 'ok',
    after: 'open',
  },
]

async function expectAsync(promise: Promise<unknown>, outcome: Outcome): Promise<void> {
  if (outcome === 'waits') assert.equal(await settlesSoon(promise), false)
  else if (outcome === 'undefined') assert.equal(await promise, undefined)
  else if (outcome === 'ok') await promise
  else await rejectsWith(promise, outcome)
}

type Method = (couple: Couple, state: State) => Promise<void>

/** By what they are about: so few that their channels do not meet a limit of the system, which is low for queues. */
const METHODS: Record<string, Record<string, Method>> = {
  sending: {
    trySend: async ({ near }, { send }) => {
      if (send === 'ok') assert.equal(near.trySend(pattern(9, 9)), true)
      else throwsWith(() => near.trySend(pattern(9, 9)), send as ErrorCode)
    },
    send: async ({ near }, { send }) => expectAsync(near.send(pattern(9, 9)), send),
    sendSync: async ({ near }, { send }) => {
      const call = () => blocking(near).sendSync(pattern(9, 9))
      if (send === 'ok') call()
      else throwsWith(call, send as ErrorCode)
    },
  },
  receiving: {
    tryReceive: async ({ near }, { receive }) => {
      if (receive === 'waits' || receive === 'undefined') assert.equal(near.tryReceive(), undefined)
      else if (receive === 'ok') assert.equal(near.tryReceive()!.length, 10)
      else throwsWith(() => near.tryReceive(), receive as ErrorCode)
    },
    receive: async ({ near }, { receive }) => {
      const controller = new AbortController()
      const receiving = near.receive({ signal: controller.signal })
      await expectAsync(receiving, receive)
      if (receive !== 'waits') return
      controller.abort()
      await rejectsWith(receiving, 'ABORTED')
    },
    'for await': async ({ near }, { receive }) => {
      const next = near[Symbol.asyncIterator]().next()
      if (receive === 'undefined') assert.deepEqual(await next, { done: true, value: undefined })
      else await expectAsync(next, receive)
      if (receive === 'waits') next.catch(() => {})
    },
    receiveSync: async ({ near }, { receive }) => {
      const call = () => blocking(near).receiveSync(receive === 'waits' ? { timeout: 0 } : {})
      if (receive === 'waits') throwsWith(call, 'TIMEOUT')
      else if (receive === 'undefined') assert.equal(call(), undefined)
      else if (receive === 'ok') assert.equal(call()!.length, 10)
      else throwsWith(call, receive as ErrorCode)
    },
  },
  ending: {
    state: async ({ near }, { after }) => assert.equal(near.state, after),
    close: async ({ near, far }, { close }) => {
      const peer = far.receive(3)
      void peer.catch(() => {})
      const closing = near.close()
      if (close === 'waits') assert.equal(near.state, 'closing')
      await closing
      assert.equal(near.state, 'closed')
    },
    abort: async ({ near }) => {
      near.abort()
      assert.equal(near.state, 'closed')
      await near.closed
    },
    'ref and unref': async ({ near }, { after }) => {
      assert.equal(near.unref().ref(), near)
      assert.equal(near.state, after)
    },
  },
}

/** Of channels that can block their thread. */
const BLOCKING = new Set(['sendSync', 'receiveSync'])

/** Every method in every state, each with a channel of its own. */
export function stateMatrix(clause: Clause): void {
  const { sync } = clause.subject.transport.capabilities
  for (const state of STATES) {
    for (const [about, methods] of Object.entries(METHODS)) {
      const tried = Object.entries(methods).filter(([name]) => sync || !BLOCKING.has(name))
      clause.test(
        `${state.clause} ${about}, when ${state.name}`,
        async (trial: Trial) => {
          const couples: Couple[] = []
          for (const _ of tried) couples.push(await trial.couple())
          await state.enter(couples)
          for (const [index, [name, method]] of tried.entries()) {
            await method(couples[index]!, state).catch((error: Error) => {
              error.message = `${name}: ${error.message}`
              throw error
            })
          }
        },
        state.where,
      )
    }
  }
}
