import { type Channel, mem } from '@strait/core'
import {
  type CallContext,
  callContext,
  createClient,
  type Remote,
  type RemoteFunction,
  serve,
} from '@strait/rpc'
import { describe, expect, expectTypeOf, it } from 'vitest'

class Counter {
  readonly #start: number
  readonly limit = 10

  constructor(start: number) {
    this.#start = start
  }

  plus(n: number, label?: string): string {
    return `${label ?? ''}${this.#start + n}`
  }

  async later(): Promise<{ at: number }> {
    return { at: this.#start }
  }

  async *values(to: number): AsyncGenerator<string> {
    for (let n = this.#start; n < to; n++) yield String(n)
  }

  *plain(): Generator<number> {
    yield this.#start
  }

  bound(this: Counter, ...rest: boolean[]): number {
    return this.limit + rest.length
  }

  who(): boolean {
    return callContext().signal.aborted
  }
}

describe('a client has the types of what is served', () => {
  type Client = Remote<Counter>

  it('arguments and results, and every result a promise of one', () => {
    expectTypeOf<Client['plus']>().parameters.toEqualTypeOf<[n: number, label?: string | undefined]>()
    expectTypeOf<Client['plus']>().returns.toEqualTypeOf<Promise<string>>()
    expectTypeOf<Client['later']>().returns.toEqualTypeOf<Promise<{ at: number }>>()
    expectTypeOf<Client['bound']>().parameters.toEqualTypeOf<boolean[]>()
    expectTypeOf<Client['plus']['notify']>().returns.toEqualTypeOf<void>()
    expectTypeOf<ReturnType<Client['plus']['with']>>().toEqualTypeOf<
      RemoteFunction<(n: number, label?: string) => string>
    >()
  })

  it('what an iteration yields', () => {
    expectTypeOf<ReturnType<Client['values']['iterate']>>().toEqualTypeOf<AsyncIterableIterator<string>>()
    expectTypeOf<ReturnType<Client['plain']['iterate']>>().toEqualTypeOf<AsyncIterableIterator<number>>()
    expectTypeOf<ReturnType<Client['plus']['iterate']>>().toEqualTypeOf<AsyncIterableIterator<never>>()
  })

  it('and functions only', () => {
    expectTypeOf<keyof Client>().toEqualTypeOf<'plus' | 'later' | 'values' | 'plain' | 'bound' | 'who'>()
    expectTypeOf<CallContext>().toEqualTypeOf<{ readonly signal: AbortSignal; readonly channel: Channel }>()
  })

  it('also where that is an instance of a class, whose methods have it as `this`', async () => {
    const [near, far] = await mem.pair()
    const server = serve(far, new Counter(5))
    const client = createClient<Counter>(near)
    expect(await client.plus(1, 'n')).toBe('n6')
    expect(await client.later()).toEqual({ at: 5 })
    expect(await client.bound(true, false)).toBe(12)
    expect(await client.who()).toBe(false)
    const values: string[] = []
    for await (const value of client.values.iterate(8)) values.push(value)
    expect(values).toEqual(['5', '6', '7'])
    await near.close()
    expect(await server.done).toBeUndefined()
  })
})
