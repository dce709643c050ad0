// The functions of the workers in the tests.
import { appendFileSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { callContext } from '@strait/pool'

let state = 'nothing'
const held = []

export const notAFunction = 42
export const fib = (n) => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
export const add = (a, b) => a + b
export const nothing = () => {}
export const pid = () => process.pid
export const echo = (value) => value
export const sleep = (ms) => wait(ms)

/** What `initialize` is for. */
export function setUp(value) {
  if (value === 'fails') throw new RangeError('cannot be set up')
  state = value
}
export const getState = () => state

export function fail(message) {
  throw Object.assign(new RangeError(message), { code: 'EFAR' })
}

/** Writes that it has begun, and then does not end by itself. */
export function spin(file) {
  if (file !== undefined) appendFileSync(file, 'begun\n')
  for (;;);
}

/** Writes that it has begun; ends when it is asked to. */
export async function heed(file) {
  const { signal } = callContext()
  appendFileSync(file, 'begun\n')
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  appendFileSync(file, `aborted ${signal.reason.code}\n`)
}

/** Does not care about SIGTERM. */
export function insist(file) {
  process.on('SIGTERM', () => {})
  appendFileSync(file, 'begun\n')
  for (;;);
}

export function die(signal = 'SIGKILL') {
  process.kill(process.pid, signal)
  for (;;);
}

export function exit(code, words) {
  if (words === undefined) process.exit(code)
  process.stderr.write(words, () => process.exit(code))
  return new Promise(() => {})
}

/** Leaves a line in a file, which no death takes back, and is done so many ms later. */
export function record(file, line, ms = 0) {
  appendFileSync(file, `${line}\n`)
  for (const until = performance.now() + ms; performance.now() < until; );
  return line
}

/** Blocks until so many are there. How many there are. */
export function meet(file, line, count = 2) {
  appendFileSync(file, `${line}\n`)
  for (;;) {
    const { length } = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    if (length >= count) return length
  }
}

/** Keeps so many bytes for ever. */
export function hoard(bytes) {
  held.push(Buffer.alloc(bytes, 1))
  return process.pid
}
