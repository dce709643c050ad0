// Opens the twin that is named, says the pid of its peer, and waits to be killed.
import { blockingTwins, roundTrips, twins } from '@strait/bench'

const all = [...Object.values(twins), ...Object.values(blockingTwins)].flat()
const lane = await all.find(({ name }) => name === process.argv[2]).open(64)
await roundTrips(lane, { rounds: 1 })
console.log(lane.pid)
setInterval(() => {}, 1000)
