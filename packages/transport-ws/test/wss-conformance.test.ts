import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
// @ts-expect-error: other processes import it, so it is not compiled
import { transport } from './support/wss.mjs'

conformance(
  { describe, it },
  {
    transport,
    module: new URL('support/wss.mjs', import.meta.url).href,
    address: () => 'wss://127.0.0.1:0/suite',
    arrangements: ['here, near connects', 'other process, near accepts'],
  },
)
