import { C9 } from './clauses/abort.js'
import { C10, C13 } from './clauses/addresses.js'
import { C6, C7, C8 } from './clauses/ends.js'
import { C4, C5 } from './clauses/flow.js'
import { C11 } from './clauses/leftovers.js'
import { C1, C2, C3 } from './clauses/messages.js'
import { peerCredentials } from './clauses/peer.js'
import { C12, C14 } from './clauses/process.js'
import { stateMatrix } from './clauses/state-matrix.js'
import { sync } from './clauses/sync.js'
import {
  arrangementsOf,
  type Clause,
  isRemote,
  type Runner,
  runTrial,
  type Subject,
  spawnsByAddress,
  Trial,
} from './suite.js'

export type { Runner, Subject } from './suite.js'

const CLAUSES = {
  C1,
  C2,
  C3,
  C4,
  C5,
  C6,
  C7,
  C8,
  C9,
  C10,
  C11,
  C12,
  C13,
  C14,
  peer: peerCredentials,
  sync,
  states: stateMatrix,
}

/**
 * About channels that are open, and how any process ends. A spawned peer that connects to an address is there nothing but
 * another process, which is tested too.
 */
const ANY_PROCESS: ReadonlySet<string> = new Set(['C1', 'C2', 'C3', 'C4', 'C5', 'C8', 'C9', 'sync'])

/** What methods do in a state. A spawned peer, a new one for each method, is tried where no other one gets into that state. */
const ANY_START = 'states'

/**
 * The contract of a Channel as tests, for one transport: clause by clause, in every arrangement that the transport has
 * functions for and that can make a difference. No clause can be switched off; what is tested follows from the transport's capabilities.
 */
export function conformance(runner: Runner, subject: Subject): void {
  const arrangements = arrangementsOf(subject)
  const { listen, connect } = subject.transport
  for (const [name, register] of Object.entries(CLAUSES)) {
    const tests: [string, () => Promise<void>][] = []
    const clause: Clause = {
      subject,
      test(title, body, where) {
        const possible = arrangements.filter((each) => where !== 'remote' || isRemote(each))
        const spawnsAlike =
          (ANY_PROCESS.has(name) && spawnsByAddress(subject.transport)) ||
          (name === ANY_START && possible.length > 1)
        for (const arrangement of possible) {
          if (spawnsAlike && arrangement === 'spawned peer') continue
          const name = `${title} (${arrangement})`
          tests.push([name, () => runTrial(name, new Trial(subject, arrangement), body)])
        }
      },
      named(title, body) {
        if (listen !== undefined && connect !== undefined) clause.once(title, body)
      },
      once(title, body, patience) {
        tests.push([title, () => runTrial(title, new Trial(subject, arrangements[0]!), body, patience)])
      },
    }
    register(clause)
    if (tests.length === 0) continue
    runner.describe(name, () => {
      for (const [title, body] of tests) runner.it(title, body)
    })
  }
}
