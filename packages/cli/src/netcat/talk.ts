import { subscribe } from 'node:diagnostics_channel'
import { type Channel, type Listener, listen, StraitError } from 'strait'
import { checkReachable } from '../address.js'
import { UsageError } from '../exit.js'
import { complain } from '../terminal.js'
import type { Input } from './input.js'
import { channelOptions, type TalkOptions } from './options.js'
import type { Output } from './output.js'

/** Listens, and says where: with port 0 nobody else knows. Peers that are turned away are reported on stderr. */
export async function listenAloud(url: string, options: TalkOptions, output: Output): Promise<Listener> {
  await checkReachable(url, 'listen')
  const listener = await listen(url, channelOptions(options)).catch((error) => {
    // Such as wss:, which needs a certificate that no option of this command brings.
    throw error instanceof TypeError ? new UsageError(error.message) : error
  })
  subscribe('strait:listener:refuse', (news) => {
    complain(`turned somebody away: ${(news as { error: StraitError }).error.message}`)
  })
  await output.event('listening', { url: listener.url.href }, `listening on ${listener.url.href}`)
  return listener
}

/** Runs a conversation and closes its channel afterwards, in bounded time; an interruption closes it early. */
export async function closing(
  channel: Channel,
  signal: AbortSignal,
  conversation: () => Promise<void>,
): Promise<void> {
  const close = () => void channel[Symbol.asyncDispose]()
  signal.addEventListener('abort', close, { once: true })
  try {
    await conversation()
  } finally {
    signal.removeEventListener('abort', close)
    await channel[Symbol.asyncDispose]()
  }
}

/** Prints what comes until the peer ends. */
export async function printAll(channel: Channel, output: Output): Promise<void> {
  for await (const message of channel) await output.message(message)
}

/**
 * Sends what comes in until it ends (true) or the peer does (false). A message that the peer did not take any more
 * stays in the input.
 */
export async function sendAll(input: Input, channel: Channel): Promise<boolean> {
  void channel.closed.then(() => input.interrupt())
  while (channel.state === 'open') {
    const message = await input.peek()
    if (message === 'end') return true
    if (message === 'interrupted') return false
    try {
      await channel.send(message)
    } catch (error) {
      if (StraitError.is(error, 'CLOSED')) return false
      throw error
    }
    input.take()
  }
  return false
}
