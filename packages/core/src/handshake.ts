import {
  type ChannelOptions,
  DEFAULT_MAX_MESSAGE_SIZE,
  LARGEST_MAX_MESSAGE_SIZE,
  type ListenOptions,
} from './channel.js'
import { abortedError, StraitError } from './error.js'
import { readUint32, writeUint32 } from './frame.js'

/**
 * The greeting that both ends send first. docs/wire-format.md draws it.
 *
 * ```text
 *  0                6         7       8                     12        16
 *  +----------------+---------+-------+---------------------+---------+-------------------------
 *  | "STRAIT"       | version | flags | max message, u32 LE | zero    | nonce, 32 bytes, if KEY
 *  +----------------+---------+-------+---------------------+---------+-------------------------
 * ```
 */
export const PREFACE_SIZE = 16
export const NONCE_SIZE = 32
export const PROOF_SIZE = 32
export const VERSION = 1
const MAGIC = 'STRAIT'
const FLAG_KEY = 1

/** ms */
export const DEFAULT_HANDSHAKE_TIMEOUT = 10_000

export type Role = 'connect' | 'listen'

/** What the handshake needs of a mechanism. Rejections of `read` are `RESET` when the peer hung up. */
export interface Wire {
  write(bytes: Uint8Array): void
  /** Exactly so many bytes. */
  read(length: number): Promise<Uint8Array>
  /** Resolves when everything written has left, or cannot any more. */
  flushed(): Promise<void>
}

/** What both ends agreed on. */
export interface Agreement {
  /** The smaller of what the two ends accept, for either direction; in bytes. */
  readonly maxMessageSize: number
}

/** Checks options that a program, not a peer, got wrong. */
export function checkOptions(options: ListenOptions): void {
  const { maxMessageSize, key, handshakeTimeout, idleTimeout, backlog } = options
  if (backlog !== undefined && !(Number.isInteger(backlog) && backlog > 0)) {
    throw new RangeError(`backlog must be a positive integer, got ${backlog}`)
  }
  if (maxMessageSize !== undefined) {
    if (
      !Number.isInteger(maxMessageSize) ||
      maxMessageSize < 0 ||
      maxMessageSize > LARGEST_MAX_MESSAGE_SIZE
    ) {
      throw new RangeError(
        `maxMessageSize must be 0 to ${LARGEST_MAX_MESSAGE_SIZE} bytes, got ${maxMessageSize}`,
      )
    }
  }
  if (key !== undefined && key.length === 0) throw new RangeError('a key must not be empty')
  for (const [name, ms] of Object.entries({ handshakeTimeout, idleTimeout })) {
    if (ms !== undefined && !(ms > 0 && ms <= 0x7fffffff))
      throw new RangeError(`${name} must be positive ms, got ${ms}`)
  }
}

/**
 * Greets the other end and, with a key, proves to each other that both know it: HMAC-SHA-256 over both prefaces and
 * nonces, with the role in front so that a proof cannot be reflected. The connecting side proves first; a listener
 * tells strangers nothing.
 *
 * - Errors: `REFUSED` the other end hung up without a greeting; `CORRUPT` it does not speak Strait; `NOT_SUPPORTED`
 *   another version; `AUTH_FAILED`; `TRUNCATED`; `TIMEOUT`; `ABORTED`.
 */
export async function handshake(
  wire: Wire,
  role: Role,
  url: URL,
  options: ChannelOptions,
): Promise<Agreement> {
  const timeout = options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT
  const { signal } = options
  let timer: ReturnType<typeof setTimeout> | undefined
  let abort: (() => void) | undefined
  const interrupted = new Promise<never>((_, reject) => {
    const late = `the other end did not greet within ${timeout} ms`
    timer = setTimeout(() => reject(new StraitError('TIMEOUT', late, { operation: role, url })), timeout)
    if (signal === undefined) return
    abort = () => reject(abortedError(role, url, signal.reason))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  let over = false
  // Computing a proof is not interrupted. By then the mechanism is destroyed, and must not be touched.
  const live: Wire = {
    write: (bytes) => {
      if (!over) wire.write(bytes)
    },
    read: (length) => (over ? interrupted : wire.read(length)),
    flushed: () => (over ? interrupted : wire.flushed()),
  }
  try {
    // Flushed also when it failed: what we had to say lets the other end know why.
    const greeting = greet(live, role, url, options).finally(() => live.flushed())
    return await Promise.race([greeting, interrupted])
  } finally {
    over = true
    clearTimeout(timer)
    if (abort !== undefined) signal?.removeEventListener('abort', abort)
  }
}

async function greet(wire: Wire, role: Role, url: URL, options: ChannelOptions): Promise<Agreement> {
  const fail = (
    code: 'REFUSED' | 'CORRUPT' | 'NOT_SUPPORTED' | 'AUTH_FAILED' | 'TRUNCATED',
    reason: string,
    cause?: unknown,
  ) => new StraitError(code, reason, { operation: role, url, cause })
  const maxMessageSize = options.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE
  const keyed = options.key !== undefined

  const mine = new Uint8Array(PREFACE_SIZE + (keyed ? NONCE_SIZE : 0))
  for (let i = 0; i < MAGIC.length; i++) mine[i] = MAGIC.charCodeAt(i)
  mine[6] = VERSION
  mine[7] = keyed ? FLAG_KEY : 0
  writeUint32(mine, 8, maxMessageSize)
  if (keyed) crypto.getRandomValues(mine.subarray(PREFACE_SIZE))
  wire.write(mine)

  const preface = await wire.read(PREFACE_SIZE).catch((cause) => {
    if (StraitError.is(cause, 'RESET'))
      throw fail('REFUSED', 'the other end hung up without a greeting', cause)
    throw cause
  })
  if (String.fromCharCode(...preface.subarray(0, MAGIC.length)) !== MAGIC) {
    throw fail('CORRUPT', 'the other end does not speak Strait')
  }
  if (preface[6] !== VERSION) {
    throw fail(
      'NOT_SUPPORTED',
      `the other end speaks version ${preface[6]} of the wire format, this end ${VERSION}`,
    )
  }
  if ((preface[7]! & ~FLAG_KEY) !== 0 || readUint32(preface, 12) !== 0) {
    throw fail('CORRUPT', 'the greeting has bits that its version does not know')
  }
  const agreement = { maxMessageSize: Math.min(maxMessageSize, readUint32(preface, 8)) }
  if (((preface[7]! & FLAG_KEY) !== 0) !== keyed) {
    throw fail('AUTH_FAILED', keyed ? 'the other end has no key' : 'the other end asks for a key')
  }
  if (options.key === undefined) return agreement

  const theirs = new Uint8Array(PREFACE_SIZE + NONCE_SIZE)
  theirs.set(preface)
  const nonce = await wire.read(NONCE_SIZE).catch((cause) => {
    throw StraitError.is(cause, 'RESET')
      ? fail('TRUNCATED', 'the other end hung up in the middle of its greeting', cause)
      : cause
  })
  theirs.set(nonce, PREFACE_SIZE)
  const secret = keyBytes(options.key)
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', copy(secret), algorithm, false, ['sign', 'verify'])
  const transcript = role === 'connect' ? [mine, theirs] : [theirs, mine]
  const prove = async () =>
    wire.write(new Uint8Array(await crypto.subtle.sign('HMAC', key, statement(role, transcript))))
  const verify = async () => {
    const peer = role === 'connect' ? 'listen' : 'connect'
    const proof = await wire.read(PROOF_SIZE).catch((cause) => {
      throw StraitError.is(cause, 'RESET')
        ? fail('AUTH_FAILED', 'the other end did not accept the key', cause)
        : cause
    })
    if (!(await crypto.subtle.verify('HMAC', key, copy(proof), statement(peer, transcript)))) {
      throw fail('AUTH_FAILED', 'the other end has another key')
    }
  }
  if (role === 'connect') {
    await prove()
    await verify()
  } else {
    await verify()
    await prove()
  }
  return agreement
}

/** A string is the key of its UTF-8 bytes. */
export function keyBytes(key: string | Uint8Array): Uint8Array {
  return typeof key === 'string' ? new TextEncoder().encode(key) : key
}

/** WebCrypto takes no bytes that might be shared with another thread. */
const copy = (bytes: Uint8Array) => new Uint8Array(bytes)

/** What the side in this role signs: its label, the connecting side's greeting, the listening side's. */
function statement(role: Role, transcript: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = [new TextEncoder().encode(`strait 1 ${role}`), ...transcript]
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
