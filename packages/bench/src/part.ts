import type { Measured, Part } from './results.js'

/** A part, and what was measured in it. */
export interface MeasuredPart<R extends Measured> {
  readonly rows: readonly R[]
  readonly part: Part
}

/** Where a part is not to be quoted, none of its rows is. */
export function refuse<R extends Measured>(rows: readonly R[], part: Part): MeasuredPart<R> {
  return { rows: part.notes.length === 0 ? rows : rows.map((row) => ({ ...row, noisy: true })), part }
}
