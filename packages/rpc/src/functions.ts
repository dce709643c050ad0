import type { IncomingFrame } from './frame.js'

// biome-ignore lint/suspicious/noExplicitAny: any function can be called
export type Handler = (...values: any[]) => unknown

/**
 * The functions that can be called of an object: its own, and those of its class and the classes that this extends. What
 * every object has is not among them, so nobody at the other end can reach it.
 */
export function functionsOf(handlers: object): Map<string, Handler> {
  const functions = new Map<string, Handler>()
  for (
    let of: object | null = handlers;
    of !== null && of !== Object.prototype;
    of = Object.getPrototypeOf(of)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(of))) {
      if (typeof value !== 'function' || name === 'constructor' || functions.has(name)) continue
      functions.set(name, value)
    }
  }
  return functions
}

const decoder = new TextDecoder()

/** Names are short and ASCII, nearly always. */
export function nameOf({ message, nameAt, nameLength }: IncomingFrame): string {
  const end = nameAt + nameLength
  let name = ''
  for (let at = nameAt; at < end; at++) {
    const byte = message[at]!
    if (byte > 127) return decoder.decode(message.subarray(nameAt, end))
    name += String.fromCharCode(byte)
  }
  return name
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  isObject(value) && typeof (value as PromiseLike<unknown>).then === 'function'

/** An async iterable, or what a generator function returns; an array is a value. */
export const isIterator = (value: unknown): boolean =>
  isObject(value) &&
  (Symbol.asyncIterator in value ||
    (Symbol.iterator in value && typeof (value as { next?: unknown }).next === 'function'))

/** undefined: it yields nothing. */
export function iteratorOf(value: unknown): AsyncIterator<unknown> | Iterator<unknown> | undefined {
  if (!isIterator(value)) return undefined
  if (Symbol.asyncIterator in (value as object))
    return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  return (value as Iterable<unknown>)[Symbol.iterator]()
}
