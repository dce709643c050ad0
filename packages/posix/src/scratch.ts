/** What a pipe holds unless told otherwise. */
export const DEFAULT_LENGTH = 64 * 1024

let buffer = new Uint8Array(DEFAULT_LENGTH)

/** Room for one system call, which is over before anybody else can ask for it. */
export function scratch(length: number): Uint8Array {
  if (buffer.length < length) buffer = new Uint8Array(length)
  return buffer
}

/** Throws `RangeError` unless it is a whole number of bytes within bounds. */
export function checkLength(name: string, value: number, least = 1, most = 2 ** 31 - 1): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`)
  return value
}
