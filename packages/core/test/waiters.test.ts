import { describe, expect, it } from 'vitest'
import { Fifo } from '../src/fifo.js'
import { Waiters } from '../src/waiters.js'
import { random } from './support/random.js'

describe('Fifo', () => {
  it('is an array whose entries may leave early', () => {
    const next = random(3)
    const fifo = new Fifo<number>()
    let model: number[] = []
    const removers: { value: number; remove(): void }[] = []
    for (let step = 0; step < 5000; step++) {
      const move = next()
      if (move < 0.5) {
        const place = fifo.push(step)
        removers.push({ value: step, remove: () => fifo.remove(place) })
        model.push(step)
      } else if (move < 0.75) {
        const place = fifo.first()
        expect(place?.value).toBe(model.shift())
        if (place !== undefined) fifo.remove(place)
      } else if (removers.length > 0) {
        // Also those that have left already: nothing happens then.
        const { value, remove } = removers[Math.floor(next() * removers.length)]!
        remove()
        model = model.filter((each) => each !== value)
      }
      expect(fifo.size).toBe(model.length)
      expect(fifo.first()?.value).toBe(model[0])
    }
  })
})

describe('C9 Waiters', () => {
  it('one signal ends all that wait with it, and nobody else', async () => {
    const waiters = new Waiters<number>('receive', undefined)
    const controller = new AbortController()
    const outcomes = Array.from({ length: 6 }, (_, index) =>
      waiters.wait(undefined, index % 2 === 0 ? controller.signal : undefined).catch((error) => error.code),
    )
    waiters.shift()!.resolve(0)
    controller.abort()
    expect(waiters.size).toBe(3)
    for (let value = 1; waiters.size > 0; value++) waiters.shift()!.resolve(value)
    const aborted = 'ERR_STRAIT_ABORTED'
    expect(await Promise.all(outcomes)).toEqual([0, 1, aborted, 2, aborted, 3])
  })

  it('who is served in the abort listener of another’s signal is served once', async () => {
    const waiters = new Waiters<string>('receive', undefined)
    const controller = new AbortController()
    const first = waiters.wait(undefined, controller.signal).catch((error) => error.code)
    const second = waiters.wait(undefined, undefined)
    controller.signal.addEventListener('abort', () => waiters.resolveAll('served'))
    controller.abort()
    expect(await first).toBe('ERR_STRAIT_ABORTED')
    expect(await second).toBe('served')
    expect(waiters.size).toBe(0)
  })
})
