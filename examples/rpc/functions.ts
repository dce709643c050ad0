import { callContext, serve } from '@strait/rpc'
import { parentChannel } from 'strait'

const functions = {
  fib: (n: number): number => (n < 2 ? 1 : functions.fib(n - 1) + functions.fib(n - 2)),

  reverse: (bytes: Uint8Array) => bytes.slice().reverse(),

  /** The primes, one after another, for as long as somebody asks. */
  *primes() {
    for (let n = 2; ; n++) {
      let divisor = 2
      while (n % divisor !== 0) divisor++
      if (divisor === n) yield n
    }
  },

  async sleep() {
    const { signal } = callContext()
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  },

  fail() {
    throw new RangeError('thrown in the child')
  },
}

/** All that the parent needs to know of it. */
export type Functions = typeof functions

serve(await parentChannel(), functions)
