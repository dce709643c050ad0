// Starts a peer over mq: as a user with whatever limits he has; says what it was told.
import { spawnPeer } from '@strait/core/node'
import { mq } from '@strait/transport-mq'

const entry = new URL('./spawned.mjs', import.meta.url)
const told = await spawnPeer(mq, 'mq:', entry, { stdio: ['ignore', 'ignore', 'ignore'] }).catch(
  (error) => error,
)
console.log(JSON.stringify([told.code, told.message]))
