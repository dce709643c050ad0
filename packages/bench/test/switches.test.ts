import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { SwitchCount } from '../dist/switches.js'

describe('context switches', () => {
  it('are counted of this process', async () => {
    const switches = new SwitchCount({ pid: undefined })
    while (switches.total()! < 20) await sleep(1)
  })

  it('are counted of a thread that began later, and not of one that is gone', async () => {
    const worker = new Worker(
      'for (let i = 0; i < 50; i++) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)',
      { eval: true },
    )
    await once(worker, 'exit')
    const switches = new SwitchCount({ pid: undefined })
    expect(switches.total()).toBeGreaterThanOrEqual(0)
  })

  it('are unknown of a process that is not there', () => {
    expect(new SwitchCount({ pid: 2 ** 22 + 1 }).total()).toBeUndefined()
  })
})
