import { describe, expect, it } from 'vitest'
import { run, support } from './support/programs.js'

describe('the objects', () => {
  for (const kind of ['named', 'anonymous', 'copying', 'refused', 'event', 'process']) {
    it(`opened and closed 10,000 times leave what there was: ${kind}`, async () => {
      const { status, output } = await run(process.execPath, ['--expose-gc', support('lifetime.mjs'), kind])
      expect(status).toBe(0)
      const more = JSON.parse(output)
      expect(more).toMatchObject({ descriptors: 0, mappings: 0 })
      // A kilobyte that each left would be ten. (A sanitizer keeps what was freed, to see whether it is used.)
      if (process.env.STRAIT_SANITIZED === undefined) expect(more.bytes).toBeLessThan(8 * 2 ** 20)
    })
  }

  for (const state of ['waitSync', 'signalSync', 'pidSync']) {
    it(`a process that exits while a thread is blocked in it exits: ${state}`, async () => {
      expect((await run(process.execPath, [support('ending.mjs'), 'exit', state])).status).toBe(7)
    })
  }

  for (const state of ['waitSync', 'signalSync', 'pidSync', 'waiting', 'writing', 'closing', 'open']) {
    it(`a worker that is terminated leaves nothing: ${state}`, async () => {
      const { status, signal, output } = await run(process.execPath, [
        support('ending.mjs'),
        'terminate',
        state,
      ])
      expect({ status, signal, output }).toEqual({
        status: 0,
        signal: null,
        output: 'descriptors 0, mappings 0',
      })
    })
  }

  it('a worker that ends by itself with everything open leaves nothing', async () => {
    const { status, output } = await run(process.execPath, [support('ending.mjs'), 'many'])
    expect([status, output]).toEqual([0, 'descriptors 0, mappings 0'])
  })
})
