// What processes that are killed at random write into memory beside their region, in words of 4 bytes, to find out
// whether a lock has failed them.

export const ROWS = 250
export const PERMITS = 3
const ROW = 16
const FIRST_ROW = 64

/** Two numbers that only the owner of a mutex changes, one after the other; of the writer of an RWLock likewise. */
export const [X, Y, U, V] = [0, 1, 2, 3]
/** Tokens that some make and others take. */
export const TOKENS = 4
/** Whoever finds it set ends. */
export const STOP = 5
/** Who is inside, for each permit. */
export const PLACES = 8

/** Columns of a process's row. */
export const COLUMN = {
  pid: 0,
  /** So often its event loop has looked for STOP. */
  turns: 5,
  /** Sections done, and deaths told, */
  sections: 1,
  told: 2,
  /** and the same of those who write. */
  written: 3,
  toldWriting: 4,
  /** What else goes on. */
  permits: 6,
  events: 7,
  made: 8,
  taken: 9,
  barriers: 10,
  reads: 11,
  /** The number of the rule that was broken. */
  violation: 12,
}

export const RULES = [
  '',
  'the two numbers differ, and no death was told',
  'the numbers are not the sections that were done',
  'the two written numbers differ, and no death was told',
  'the written numbers are not the writes that were done',
  'a reader has seen the two written numbers differ',
  'more are inside than there are permits',
  'a token was taken that was not there',
]

export const BYTES = 4 * (FIRST_ROW + ROWS * ROW)

export const cell = (row, column) => FIRST_ROW + row * ROW + COLUMN[column]

export function sum(words, column) {
  let total = 0
  for (let row = 0; row < ROWS; row++) total += Atomics.load(words, cell(row, column))
  return total
}
