import { aHolds, count, handOver, QUEUEING, RELEASING, type Scenario, SERVED } from './scenario.js'
import { holdRead, holdWrite, reading, release, writing } from './steps.js'

export const RWLOCK: readonly Scenario[] = [
  {
    name: 'waits for a reader, writes, and lets the next one read',
    points: [...QUEUEING, 'waitMarked', ...SERVED, ...RELEASING, 'monitorLeave:3', 'releaseLeft:3'],
    before: aHolds(holdRead),
    does: async ({ rwlock }) => (await rwlock.write()).release(),
    others: async (cast) => ({ write: await count(handOver(cast, 'rwlock', reading, release)) }),
  },
  {
    name: 'waits for a writer, reads, and lets the next one write',
    points: [...QUEUEING, ...SERVED, 'takeStarted', 'takeDone', ...RELEASING, 'releaseLeft:3'],
    before: aHolds(holdWrite),
    does: async ({ rwlock }) => (await rwlock.read()).release(),
    others: async (cast) => ({ write: await count(handOver(cast, 'rwlock', writing, release)) }),
  },
]
