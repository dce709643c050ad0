/**
 * The 64 bits that a signal carries, as they lie in memory:
 *
 * ```text
 *  0                                     5                        7          8
 *  +-------------------------------------+------------------------+----------+
 *  | payload, up to 5 bytes, then zeros  | what and where, u16 LE | sequence |
 *  +-------------------------------------+------------------------+----------+
 *
 *  what and where:  15            13 12                                    0
 *                   +---------------+--------------------------------------+
 *                   | bytes: 1 to 5 | number of the channel where it is    |
 *                   | or 0: credit  | received, as that end has said it    |
 *                   +---------------+--------------------------------------+
 * ```
 *
 * The sequence counts all that one end of a channel sends, modulo 256: what is missing, or comes twice, is noticed.
 */
export const WORD = 8

/** Payload bytes in one signal. */
export const CELL = 5

/** How many channels one thread can tell apart. */
export const CHANNELS = 1 << 13

/**
 * So many signals with payload may be under way to an end that has not read them. With the credits, of which there are
 * never more than two under way, that is less than the sequence can tell apart.
 */
export const WINDOW = 252

/** What one credit allows to send: it is given when half of a window was read. */
export const GRANT = WINDOW / 2

/** In place of a number of bytes. */
export const CREDIT = 0

/** The number of the channel that the word at this offset is for. */
export const channelOf = (words: Uint8Array, at: number): number =>
  words[at + 5]! | ((words[at + 6]! & 0x1f) << 8)

/** How many bytes of payload it has, if any. */
export const lengthOf = (words: Uint8Array, at: number): number => words[at + 6]! >> 5

export const sequenceOf = (words: Uint8Array, at: number): number => words[at + 7]!

/** Writes a word, all but its payload. */
export function writeWord(
  words: Uint8Array,
  at: number,
  channel: number,
  length: number,
  sequence: number,
): void {
  words[at + 5] = channel
  words[at + 6] = (length << 5) | (channel >> 8)
  words[at + 7] = sequence
}
