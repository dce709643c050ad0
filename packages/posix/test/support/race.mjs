// Opens or makes memory of many names while others do; says which it made. All begin when four are there.
import { SharedMemory } from '@strait/posix'

const [prefix, rounds] = [process.argv[2], Number(process.argv[3])]
const here = SharedMemory.open(prefix).view(Int32Array)
Atomics.add(here, 0, 1)
while (Atomics.load(here, 0) < 4);
const made = []
for (let round = 0; round < rounds; round++) {
  const memory = SharedMemory.openOrCreate(`${prefix}-${round}`, 100)
  if (memory.size !== 100) throw new Error(`it has ${memory.size} bytes`)
  if (memory.created) made.push(round)
  memory.close()
}
console.log(made.join(' '))
