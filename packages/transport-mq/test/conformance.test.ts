import { basename } from 'node:path'
import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
import { transport } from '../src/index.js'

conformance(
  { describe, it },
  {
    transport,
    module: import.meta.resolve('@strait/transport-mq'),
    address: (directory, name) => `mq:${basename(directory)}-${name}`,
  },
)
