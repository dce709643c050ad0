import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { start } from '../../core/test/support/child.js'
import { turns } from '../../core/test/support/leftovers.js'
import { failure } from '../../rendezvous/test/support/ends.js'
import { shm } from '../src/index.js'
import { fresh, nothingIsLeft } from './support/ends.js'

const WORKER = new URL('./support/hot-worker.mjs', import.meta.url)
const ALONE = new URL('./support/alone.mjs', import.meta.url)
const WAITS = ['spin', 'adaptive', 'park']

nothingIsLeft()

describe.each(WAITS)('C11 a worker that waits by %s', (wait) => {
  it.each(['messages', 'receiveSync', 'sendSync', 'claim', 'lease'])(
    'and is terminated in the middle of %s leaves nothing, and its peer gets RESET',
    async (what) => {
      const url = fresh(`?wait=${wait}&ring=4096`)
      const listener = await shm.listen(url)
      const worker = new Worker(WORKER, { workerData: { address: url.href, what } })
      const told = new Promise((resolve) => worker.once('message', resolve))
      const channel = (await listener.accept())!
      await listener.close()
      expect(await channel.receive()).toEqual(Uint8Array.of(1))
      expect(await told).toBe('hot')
      if (what === 'messages') {
        for (let i = 0; i < 100; i++) {
          await channel.send(Uint8Array.of(i))
          await channel.receive()
        }
      }
      await worker.terminate()
      const ending = (async () => {
        for await (const _ of channel);
      })()
      await expect(ending).rejects.toEqual(failure('RESET'))
      await expect(channel.send(Uint8Array.of(1))).rejects.toEqual(failure('RESET'))
      await turns(10)
    },
  )
})

describe.each(WAITS)('C12 a process whose channels wait by %s', (wait) => {
  const alone = (what: string) => start(ALONE, [fresh(`?wait=${wait}`).href, what])

  it('is kept alive by them, asleep or not, and ends when they have', async () => {
    const child = alone(wait)
    expect(await child.line()).toBe('waiting')
    child.say('end')
    expect(await child.line()).toBe('told')
    expect(await child.line()).toBe('exit 2')
    expect(await child.exit).toEqual({ code: 0, signal: null })
  })

  it('ends although they are open when nothing else is left and they are unref’d', async () => {
    const child = alone('unref')
    expect(await child.line()).toBe('exit 2')
    // 13: with promises that nobody will settle.
    expect([0, 13]).toContain((await child.exit).code)
  })

  it('may exit at any moment, or be ended by an error', async () => {
    const exiting = alone('exit')
    expect(await exiting.line()).toBe('exit 2')
    expect(await exiting.exit).toEqual({ code: 0, signal: null })
    const throwing = alone('throw')
    expect(await throwing.line()).toBe('exit 2')
    expect(await throwing.exit).toEqual({ code: 3, signal: null })
  })
})
