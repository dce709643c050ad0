import { conformance } from '@strait/conformance'
import { mem } from '@strait/core'
import { describe, it } from 'vitest'

conformance({ describe, it }, { transport: mem, address: (_, name) => `mem:${name}` })
