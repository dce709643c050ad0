import { channel } from 'node:diagnostics_channel'
import { observer } from '../diagnostics.js'

const opened = channel('strait:channel:open')
const closed = channel('strait:channel:close')
export const REFUSE = 'strait:listener:refuse'
const refused = channel(REFUSE)

/**
 * From the first import of `@strait/core/node` on, `node:diagnostics_channel` tells of
 * `strait:channel:open { channel }`, `strait:channel:close { channel, info }` and
 * `strait:listener:refuse { url, error }`.
 */
observer.channelOpened = (subject) => {
  if (opened.hasSubscribers) opened.publish({ channel: subject })
}
observer.channelClosed = (subject, info) => {
  if (closed.hasSubscribers) closed.publish({ channel: subject, info })
}
observer.peerRefused = (url, error) => {
  if (refused.hasSubscribers) refused.publish({ url, error })
}
