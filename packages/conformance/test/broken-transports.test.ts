import { mem } from '@strait/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WHOLE } from '../../core/test/support/proofs.js'
import { closeLeaked, MUTANTS } from './broken/mutants.js'
import { PACKET_MUTANTS, packetMem } from './broken/packet-mutants.js'
import { failedClauses } from './broken/runner.js'
import { HONEST, PEER_MUTANTS, SYNC_MUTANTS } from './broken/sync-mutants.js'

// The suite is tested by transports that break one promise each: it must say which, and nothing else. That nothing else
// fails is a campaign, `npm run soak -- proofs`.

const subject = { address: (_: string, name: string) => `mem:${name}`, guard: 200 }

// A broken transport rejects long after its test has failed, and nobody looks at that any more.
const ignore = () => {}
let listeners: NodeJS.UnhandledRejectionListener[] = []
beforeAll(() => {
  listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', ignore)
})
afterAll(() => {
  process.off('unhandledRejection', ignore)
  for (const listener of listeners) process.on('unhandledRejection', listener)
})
afterEach(closeLeaked)

describe('the conformance suite', () => {
  it('finds nothing wrong with a transport that keeps its promises', async () => {
    expect([...(await failedClauses({ transport: mem, ...subject, guard: 20_000 }))]).toEqual([])
  })

  for (const [what, transport] of [...HONEST, ['over packets', packetMem()] as const]) {
    it(`finds nothing wrong with one ${what}`, async () => {
      expect([...(await failedClauses({ transport, guard: 20_000 }))]).toEqual([])
    })
  }

  const mutants = [...MUTANTS, ...SYNC_MUTANTS, ...PEER_MUTANTS, ...PACKET_MUTANTS]
  for (const { name, breaks, implies = [], transport } of mutants) {
    it(`${breaks} catches a transport that ${name}`, async () => {
      const failed = await failedClauses({ transport, ...subject }, WHOLE ? undefined : breaks)
      expect([...failed.keys()]).toContain(breaks)
      const allowed = new Set([breaks, ...implies])
      const unexpected = [...failed].filter(([clause]) => !allowed.has(clause))
      expect(unexpected).toEqual([])
    })
  }
})
