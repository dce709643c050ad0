import assert from 'node:assert/strict'
import { type ErrorCode, StraitError } from '@strait/core'

/** Sizes of messages that every mechanism holds although nobody reads: a queue has eight places, signals carry 1 KiB. */
export const FEW: readonly number[] = Array.from({ length: 8 }, (_, index) => index * 25)

/** That the promise rejects with a StraitError of one of these codes; the error comes back. */
export async function rejectsWith(promise: Promise<unknown>, ...codes: ErrorCode[]): Promise<StraitError> {
  const error = await promise.then(
    (value) => assert.fail(`resolved with ${String(value)} instead of rejecting with ${codes.join(' or ')}`),
    (rejection: unknown) => rejection,
  )
  return checkCode(error, codes)
}

export function throwsWith(action: () => unknown, ...codes: ErrorCode[]): StraitError {
  let value: unknown
  try {
    value = action()
  } catch (error) {
    return checkCode(error, codes)
  }
  return assert.fail(`returned ${String(value)} instead of throwing ${codes.join(' or ')}`)
}

function checkCode(error: unknown, codes: ErrorCode[]): StraitError {
  if (!(error instanceof StraitError)) {
    throw error instanceof Error
      ? error
      : new assert.AssertionError({ message: `${String(error)} was thrown` })
  }
  assert.ok(
    codes.some((code) => StraitError.is(error, code)),
    `${error.code} instead of ${codes.join(' or ')}: ${error.message}`,
  )
  assert.equal(error.name, StraitError.is(error, 'ABORTED') ? 'AbortError' : 'StraitError')
  assert.ok(!error.message.includes('\n'), 'an error is one line')
  return error
}

/** A promise whose rejection is looked at later. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** One turn of the event loop. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Whether the promise has settled after some turns of the event loop. Only ever used to show that it has not. */
export async function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  for (let turns = 0; turns < 50 && !settled; turns++) await turn()
  return settled
}
