// Runs where /dev/shm holds one MiB.
import { readdirSync } from 'node:fs'
import { SharedMemory } from '@strait/posix'

const attempt = (action) => {
  try {
    action()
    return 'no error'
  } catch (error) {
    return `${error.code?.replace('ERR_STRAIT_', '')} ${error.message}`
  }
}

console.log(attempt(() => SharedMemory.create('full', 2 ** 21)))
const memory = SharedMemory.create('fits', 100)
memory.bytes[99] = 1
console.log(
  attempt(() => memory.resize(2 ** 21)),
  'bytes:',
  memory.bytes.length,
)
memory.bytes.fill(1)
console.log('names:', readdirSync('/dev/shm').join(' '))
