// Uses shared memory where `bytes` cannot be had.
import { readFileSync } from 'node:fs'
import { native, SharedMemory } from '@strait/posix'

const code = (action) => {
  try {
    return String(action())
  } catch (error) {
    return error.code
  }
}

const memory = SharedMemory.anonymous(100, { seals: ['shrink'] })
console.log(
  'bytes:',
  code(() => memory.bytes),
)
console.log(
  'view:',
  code(() => memory.view(Int32Array)),
)
memory.write(1, new Uint8Array([1, 2]))
console.log(
  'read:',
  code(() => memory.read(0, 4)),
)
memory.resize(200)
console.log(
  'resized:',
  code(() => memory.read(0, 4)),
)
const other = SharedMemory.fromDescriptor(native().duplicate(memory.descriptor), { seals: ['shrink'] })
console.log(
  'other:',
  code(() => other.read(0, 4)),
)
memory.close()
other.close()
console.log(
  'closed:',
  code(() => memory.read(0, 4)),
)
console.log('mappings:', (readFileSync('/proc/self/maps', 'utf8').match(/memfd:strait/g) ?? []).length)
