export { callContext } from '@strait/rpc'
export { Pool } from './pool.js'
export type { PoolStatistics } from './statistics.js'
export type { AnyFunction, JobOptions, MapOptions, NameOf, PoolOptions } from './types.js'
