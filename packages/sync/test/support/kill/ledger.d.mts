export type Column =
  | 'pid'
  | 'turns'
  | 'sections'
  | 'told'
  | 'written'
  | 'toldWriting'
  | 'permits'
  | 'events'
  | 'made'
  | 'taken'
  | 'barriers'
  | 'reads'
  | 'violation'

export const ROWS: number
export const PERMITS: number
export const PLACES: number
export const X: number
export const Y: number
export const U: number
export const V: number
export const TOKENS: number
export const STOP: number
export const RULES: readonly string[]
export const BYTES: number
export function cell(row: number, column: Column): number
export function sum(words: Int32Array, column: Column): number
