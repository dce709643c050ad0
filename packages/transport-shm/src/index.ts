export { type Claim, type Lease, ShmChannel, type ShmStats } from './channel.js'
export { type ShmConnectOptions, shm, shm as transport } from './transport.js'
