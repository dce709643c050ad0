import assert from 'node:assert/strict'
import type { Clause } from '../suite.js'

export function peerCredentials(clause: Clause): void {
  const { peerCredentials } = clause.subject.transport.capabilities
  const says = peerCredentials
    ? 'is the pid, uid and gid of the process at the other end'
    : 'is undefined where the kernel vouches for nobody'

  clause.test(`C13 peer ${says}`, async (trial) => {
    const { near, far, host } = await trial.couple()
    const seenFromThere = await far.peer()
    const idsOf = (pid: number | undefined) =>
      peerCredentials ? { pid, uid: process.geteuid!(), gid: process.getegid!() } : undefined
    assert.deepEqual(near.peer, idsOf(host?.process?.pid ?? process.pid))
    assert.deepEqual(seenFromThere, idsOf(process.pid))
  })
}
