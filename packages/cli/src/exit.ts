import { StraitError } from 'strait'
import { complain } from './terminal.js'

export const EXIT_CODES = `
Exit codes:
  0  it worked
  1  the work failed: a wrong result, nobody there, a peer that died
  2  usage: an unknown option, or an address that cannot be used`

/** The work was done and its outcome is wrong. The message says it all. */
export class Failure extends Error {}

/** The command was called wrongly, in a way that only a look at the system shows. */
export class UsageError extends Error {}

/** Says why a command failed, in one line where the error was foreseen, and returns the exit code. */
export function report(error: unknown): number {
  if (error instanceof UsageError) {
    complain(error.message)
    return 2
  }
  if (error instanceof Failure || StraitError.is(error)) {
    complain(error.message)
    return StraitError.is(error, 'ADDRESS_INVALID') || StraitError.is(error, 'NOT_SUPPORTED') ? 2 : 1
  }
  complain(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return 1
}
