import type { Channel, CloseInfo } from './channel.js'
import type { StraitError } from './error.js'

/** Told what happens to channels. `core/node` publishes it on `node:diagnostics_channel`. */
export interface Observer {
  channelOpened?: ((channel: Channel) => void) | undefined
  channelClosed?: ((channel: Channel, info: CloseInfo) => void) | undefined
  /** A listener turned somebody away: garbage, a wrong key, silence, too many at once. */
  peerRefused?: ((url: URL, error: StraitError) => void) | undefined
}

/** The one observer of this realm. */
export const observer: Observer = {}
