import { type ErrorCode, StraitError } from '@strait/core'

/** What travels of an error. */
export interface ErrorOnWire {
  name: string
  message: string
  code?: string | number
  stack?: string
  cause?: ErrorOnWire
}

/**
 * What a handler at the other end has thrown, where its class is not one that both ends have.
 */
export class RemoteError extends Error {
  /** Of the class at the other end. */
  override readonly name: string
  readonly code: string | number | undefined
  /** Where it was thrown, at the other end. */
  readonly remoteStack: string | undefined

  constructor({ name, message, code, stack }: ErrorOnWire, cause: Error | undefined) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = name
    this.code = code
    this.remoteStack = stack
  }
}

const BUILT_IN = new Map<string, new (message?: string, options?: ErrorOptions) => Error>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [
    type.name,
    type,
  ]),
)

const PREFIX = 'ERR_STRAIT_'
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** So many causes travel with an error. */
const DEPTH = 4

/** Of anything that can be thrown. */
export function toWire(thrown: unknown, depth = 0): ErrorOnWire {
  if (!(thrown instanceof Error))
    return { name: 'Error', message: safely(() => String(thrown)) ?? typeof thrown }
  const code = safely(() => (thrown as { code?: unknown }).code)
  const cause = safely(() => thrown.cause)
  const wire: ErrorOnWire = {
    name: safely(() => text(thrown.name)) ?? 'Error',
    message: safely(() => text(thrown.message)) ?? '',
  }
  if (typeof code === 'string' || typeof code === 'number') wire.code = code
  const stack = safely(() => text(thrown.stack))
  if (stack !== undefined) wire.stack = stack
  if (cause !== undefined && depth < DEPTH) wire.cause = toWire(cause, depth + 1)
  return wire
}

function checked(said: unknown): ErrorOnWire {
  if (typeof said !== 'object' || said === null) return { name: 'Error', message: '' }
  const { name, message, code, stack, cause } = said as Record<keyof ErrorOnWire, unknown>
  const wire: ErrorOnWire = { name: text(name) ?? 'Error', message: text(message) ?? '' }
  if (typeof code === 'string' || typeof code === 'number') wire.code = code
  if (typeof stack === 'string') wire.stack = stack
  if (cause !== undefined && cause !== null) wire.cause = cause as ErrorOnWire
  return wire
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/**
 * A built-in class, a `StraitError`, or one of the given classes is the same class here; all others are a `RemoteError`.
 * Each has `remoteStack`. What the other end says is not believed to have this type: what has not is left out.
 */
export function fromWire(said: ErrorOnWire, classes: readonly ErrorClass[] = [], depth = 0): Error {
  const wire = checked(said)
  const options =
    wire.cause === undefined || depth === DEPTH
      ? undefined
      : { cause: fromWire(wire.cause, classes, depth + 1) }
  const known = BUILT_IN.get(wire.name)
  const own = classes.find(({ name }) => name === wire.name)
  if (text(wire.code)?.startsWith(PREFIX)) {
    const code = text(wire.code)!.slice(PREFIX.length) as ErrorCode
    const error = new StraitError(code, wire.message, { operation: 'call', cause: options?.cause })
    return marked(Object.defineProperty(error, 'message', { value: wire.message }), wire)
  }
  if (own !== undefined) {
    // Not by its constructor, which may want something else.
    const error = Object.create(own.prototype) as Error
    Object.defineProperty(error, 'message', { value: wire.message, configurable: true, writable: true })
    if (options !== undefined) Object.defineProperty(error, 'cause', { value: options.cause })
    Error.captureStackTrace?.(error)
    return marked(error, wire)
  }
  if (known === undefined) return new RemoteError(wire, options?.cause)
  return marked(new known(wire.message, options), wire)
}

export type ErrorClass = { readonly name: string; readonly prototype: Error }

function marked(error: Error, { code, stack }: ErrorOnWire): Error {
  const add = (key: string, value: unknown) =>
    value === undefined || Object.hasOwn(error, key)
      ? undefined
      : Object.defineProperty(error, key, { value, enumerable: true, configurable: true })
  add('code', code)
  add('remoteStack', stack)
  return error
}
