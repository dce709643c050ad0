import type { ErrorOnWire } from '@strait/rpc/caller'
import type { ClaimsAddress } from './claims.js'

/** What a worker is told first, in JSON. */
export interface Settings {
  /** The URL of the module. */
  readonly entry: string
  readonly claims: ClaimsAddress | undefined
}

/** What it says to that, in JSON. */
export interface Readiness {
  /** Whether it has found its claims. */
  readonly claims?: boolean
  /** Why it cannot work. */
  readonly error?: ErrorOnWire
}
