/** What an actor is told; see actor.mjs. */
export interface Request {
  readonly id: number
  readonly verb: string
  readonly args: readonly unknown[]
}

/** An error in plain data. */
export interface Report {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
  readonly cause: string | undefined
  /** How long the call took, in ms. */
  readonly elapsed: number | undefined
}

export class Actor {
  constructor(kinds: object, region: object | undefined, words: Int32Array)
  perform(request: Request): Promise<unknown>
}
export function blocks(request: Request): boolean
export function report(error: unknown): Report
