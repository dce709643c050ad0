import { basename } from 'node:path'
import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
import { transport } from '../src/index.js'

conformance(
  { describe, it },
  {
    transport,
    module: import.meta.resolve('@strait/transport-signal'),
    address: (directory, name) => `signal:${basename(directory)}-${name}`,
  },
)
