export { type BenchOptions, bench, type Progress } from './bench.js'
export type { BuildOptions } from './c-program.js'
export { type Change, type Comparison, compare } from './compare.js'
export { type Ends, type Floor, floorMechanism, floorMechanisms, openFloor } from './floor.js'
export { buildFloors } from './floor-build.js'
export { type Bin, Histogram, type Quantiles } from './histogram.js'
export type { Lane, SyncLane } from './lane.js'
export {
  type BenchLocksOptions,
  benchLocks,
  type LockProgress,
  type LockReport,
} from './locks/bench-locks.js'
export { type Situation, situations } from './locks/lanes.js'
export type { ContendedRow, LockRow, UncontendedRow } from './locks/row.js'
export { describeMachine, type Machine } from './machine.js'
export { type Mode, modes, type WaitStrategy, waitStrategies, waitStrategyOf } from './mode.js'
export { type Placement, placements } from './placement.js'
export {
  type BenchPoolOptions,
  benchPool,
  type PoolProgress,
  type PoolReport,
} from './pool/bench-pool.js'
export type { PoolRow, Work } from './pool/row.js'
export { benchReference, type ReferenceOptions } from './reference.js'
export type { ConnectionRow, FanInRow, Measured, Part, Plan, Results, Row } from './results.js'
export { type Enough, type RoundTrips, roundTrips, type Stretch } from './round-trip.js'
export type { SelfReport, Span } from './self-report.js'
export { answerQuestions, canBlock, canLease, type LaneOptions, peerLane, straitLane } from './strait-lane.js'
export type { EndTail, Tail } from './tail.js'
export { type Moved, throughput } from './throughput.js'
export { blockingTwins, findTwins, type Twin, twins } from './twins/index.js'
export { Missing } from './twins/missing.js'
export { findPrograms, type ProgramPeer } from './twins/programs.js'
