import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { digest, expected, pattern } from '../pattern.js'
import type { Clause } from '../suite.js'
import { rejectsWith } from './helpers.js'

export function C12(clause: Clause): void {
  clause.test(
    'C12 an open channel keeps its process alive, and its end lets it go',
    async (trial) => {
      const { near, far, host } = await trial.couple()
      void far.echo().catch(() => {})
      await host!.call('lonely')
      for (let index = 0; index < 20; index++) {
        await near.send(pattern(index, 100))
        assert.equal(digest((await near.receive())!), expected(index, [100])[0])
      }
      await near.close()
      assert.deepEqual(await host!.exited, { exitCode: 0, signal: null })
    },
    'remote',
  )

  clause.test(
    'C12 a channel with unref() lets its process end',
    async (trial) => {
      const { near, far, host } = await trial.couple()
      await far.unref()
      await host!.call('lonely')
      assert.deepEqual(await host!.exited, { exitCode: 0, signal: null })
      await rejectsWith(near.receive(), 'RESET')
    },
    'remote',
  )
}

/** How often each thread has been switched to: all of a process, or one. Who sleeps is not. */
function switches(self: string): string {
  const tasks = self.endsWith('/task') ? readdirSync(self).map((thread) => `${self}/${thread}`) : [self]
  return tasks
    .map((task) => {
      const status = readFileSync(`${task}/status`, 'utf8')
      return `${task} ${/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]}`
    })
    .join('\n')
}

const QUIET = 2_000

export function C14(clause: Clause): void {
  clause.test(
    'C14 an idle channel does nothing at all',
    async (trial) => {
      const { near, far, host } = await trial.couple()
      void far.echo().catch(() => {})
      for (let index = 0; index < 10; index++) {
        await near.send(pattern(index, 100))
        await near.receive()
      }
      // What ran before may have left V8 something to tidy up; a channel that polls never has a quiet while.
      const self = await host!.call<string>('self')
      let before: string
      do {
        before = switches(self)
        await new Promise((resolve) => setTimeout(resolve, QUIET))
      } while (switches(self) !== before)
    },
    'remote',
  )

  clause.test(
    'C14 a stopped peer is not a dead one',
    async (trial) => {
      const { near, far, host } = await trial.couple()
      void far.echo().catch(() => {})
      const thaw = host!.freeze()
      trial.atEnd(thaw)
      await near.send(pattern(0, 100))
      await new Promise((resolve) => setTimeout(resolve, 300))
      assert.equal(near.state, 'open')
      thaw()
      assert.equal(digest((await near.receive())!), expected(0, [100])[0])
    },
    'remote',
  )
}
