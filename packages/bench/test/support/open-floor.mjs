// Opens the floor that is named, says the pids of its processes, and waits to be killed.
import { buildFloors, openFloor } from '@strait/bench'

const floor = await openFloor(await buildFloors(), process.argv[2], 64)
await floor.run(1)
console.log(floor.pids.join(' '))
setInterval(() => {}, 1000)
