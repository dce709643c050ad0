import { serve } from '@strait/rpc'
import { parentChannel } from 'strait'

serve(await parentChannel(), {
  add: (a, b) => a + b,
  echo: (bytes) => bytes,
  async wait() {
    await new Promise(() => {})
  },
  fail() {
    throw new RangeError('too far')
  },
  *count(to) {
    for (let n = 0; n < to; n++) yield n
  },
})
