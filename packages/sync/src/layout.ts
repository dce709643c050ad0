import { native } from '@strait/posix'

/** Bytes; where the tables of a region begin, and how long an entry is. native/region.h draws it. */
export interface Layout {
  readonly size: number
  readonly slots: number
  readonly slot: number
  readonly objects: number
  readonly object: number
}

let known: Layout | undefined

/** - Errors: `NOT_SUPPORTED` the addon is not there. */
export function layout(): Layout {
  if (known !== undefined) return known
  const numbers = new Int32Array(11)
  native('open').syncLayout(numbers)
  const [size, slots, slot, , objects, object] = numbers as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  known = { size, slots, slot, objects, object }
  return known
}
