import { describe, it } from 'vitest'
import { primitives } from './conformance/index.js'
import { oneLoop, threads } from './support/suite/homes.js'

primitives({ describe, it }, oneLoop())
primitives({ describe, it }, threads())
