import { describe, it } from 'vitest'
import { primitives } from './conformance/index.js'
import { processesByDescriptor, processesByMemory, processesByName } from './support/suite/homes.js'

for (const home of [processesByName, processesByDescriptor, processesByMemory])
  primitives({ describe, it }, home)
