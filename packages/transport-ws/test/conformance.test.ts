import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
import { transport } from '../src/index.js'

conformance(
  { describe, it },
  {
    transport,
    module: import.meta.resolve('@strait/transport-ws'),
    address: () => 'ws://127.0.0.1:0/suite',
  },
)
