import { basename } from 'node:path'
import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
import { transport } from '../src/index.js'

conformance(
  { describe, it },
  {
    transport,
    module: import.meta.resolve('@strait/transport-shm'),
    address: (directory, name) => `shm:${basename(directory)}-${name}`,
  },
)
