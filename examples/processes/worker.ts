import { counting } from './counter.js'
import { computing } from './fib.js'
import { next, victim } from './owner.js'

const roles: Record<string, (...args: string[]) => Promise<void>> = { counting, computing, victim, next }

// Whoever waits for a lock would wait on after its parent has been killed.
process.stdin.resume().once('end', () => process.exit())
process.stdin.unref()

const [, , role = '', ...args] = process.argv
await roles[role]!(...args)
