// Inverts the memory that is descriptor 3.
import { SharedMemory } from '@strait/posix'

const memory = SharedMemory.fromDescriptor(3, { seals: ['shrink'] })
const words = memory.view(Uint32Array)
for (let i = 0; i < words.length; i++) words[i] = ~words[i]
console.log(memory.size, String(memory.seals))
