import { SharedMemory } from '@strait/posix'
import { Mutex, Region } from '@strait/sync'
import type { LockLane, PairLane } from './lane.js'
import { pairsHere } from './pair-lanes.js'
import type { Seat } from './side.js'
import type { StraitSideData } from './strait-side.js'
import { sideInProcess, sideInThread, Team } from './team.js'

const SIDE = new URL('./strait-side.js', import.meta.url)

export function straitPairs(): PairLane[] {
  const region = Region.anonymous()
  const mutex = new Mutex({ region })
  const close = () => region.close()
  return [
    pairsHere(
      'Mutex',
      'tryLock',
      (count) => {
        for (let at = 0; at < count; at++) mutex.tryLock()!.release()
      },
      close,
    ),
    pairsHere(
      'Mutex',
      'lockSync',
      (count) => {
        for (let at = 0; at < count; at++) mutex.lockSync().release()
      },
      close,
    ),
    pairsHere(
      'Mutex',
      'using await lock',
      async (count) => {
        for (let at = 0; at < count; at++) {
          using _ = await mutex.lock()
        }
      },
      close,
    ),
  ]
}

/** In the seats, in turns, if there are some. */
export async function straitByProcesses(sides: number, seats: readonly Seat[]): Promise<LockLane[]> {
  const memory = SharedMemory.anonymous(Region.size + Uint32Array.BYTES_PER_ELEMENT, { reserve: false })
  const opening = Array.from({ length: sides }, (_, side) => {
    const args = seats.length === 0 ? [] : [JSON.stringify(seats[side % seats.length])]
    return sideInProcess('Mutex', SIDE, args, [memory.descriptor])
  })
  const counter = memory.view(Uint32Array, Region.size, 1)
  return bothWays(await Team.start('Mutex', opening, counter, () => memory.close()))
}

/** By two. */
export async function straitByThreads(seats: readonly Seat[]): Promise<LockLane[]> {
  const region = Region.anonymous()
  const mutex = new Mutex({ region }).share()
  const counter = new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT)
  const opening = [0, 1].map((side) =>
    sideInThread('Mutex', SIDE, { seat: seats[side], mutex, counter } satisfies StraitSideData),
  )
  return bothWays(await Team.start('Mutex', opening, new Uint32Array(counter), () => region.close()))
}

const bothWays = (team: Team): LockLane[] => [team.lane('lockSync'), team.lane('await lock')]
