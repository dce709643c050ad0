// Opens the contest that is named, says the pids of its processes, and waits to be killed.
import { buildFloors } from '@strait/bench'
import { contestByProgram, inC, inPython } from '../../dist/locks/lock-program.js'

const open = {
  c: async () => contestByProgram(inC(await buildFloors(), 'robust'), 2, []),
  python: () => contestByProgram(inPython, 2, []),
  mutex: async () => (await (await import('../../dist/locks/strait-lanes.js')).straitByProcesses(2, []))[0],
}
const lane = await open[process.argv[2]]()
await lane.contend(1)
console.log(lane.pids.join(' '))
setInterval(() => {}, 1000)
