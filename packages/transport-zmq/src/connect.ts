import {
  abortedError,
  type ChannelOptions,
  DEFAULT_HANDSHAKE_TIMEOUT,
  type ErrorCode,
  StraitError,
} from '@strait/core'
import type { Event } from 'zeromq'
import type { ConnectingSocket } from './sockets.js'

/**
 * Connects, and resolves when ZeroMQ has shaken hands, before anything of Strait is said.
 *
 * - Errors: `REFUSED`, `AUTH_FAILED`, `CORRUPT`, `TIMEOUT`, `ABORTED`; the socket is then closed.
 */
export async function shakeHands(
  socket: ConnectingSocket,
  address: string,
  secured: boolean,
  url: URL,
  { signal, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT }: ChannelOptions,
): Promise<void> {
  let failure: StraitError | undefined
  const fail = (code: ErrorCode, reason: string, cause?: unknown) => {
    failure ??= new StraitError(code, reason, { operation: 'connect', url, cause })
    socket.close()
  }
  const abort = () => {
    failure ??= abortedError('connect', url, signal?.reason)
    socket.close()
  }
  const timer = setTimeout(
    () => fail('TIMEOUT', `the other end did not answer within ${handshakeTimeout} ms`),
    handshakeTimeout,
  )
  signal?.addEventListener('abort', abort, { once: true })
  try {
    socket.connect(address)
    if (signal?.aborted) abort()
    for (;;) {
      // When the socket was closed because of a failure, its monitor says so.
      const event = await socket.nextEvent()
      if (failure !== undefined) throw failure
      if (event.type === 'handshake') return
      const meaning = interpret(event, secured)
      if (meaning !== undefined) fail(...meaning, 'error' in event ? event.error : undefined)
    }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** What an event before the handshake means for who connects; undefined: nothing yet. */
function interpret(event: Event, secured: boolean): [ErrorCode, string] | undefined {
  switch (event.type) {
    case 'close':
    case 'connect:retry':
      return ['REFUSED', 'nobody is listening']
    case 'handshake:error:auth':
      return ['AUTH_FAILED', 'the other end does not know the CURVE key of this one']
    case 'handshake:error:protocol':
      if (event.error.code === 'ERR_ZMTP_MECHANISM_MISMATCH')
        return ['AUTH_FAILED', 'only one end uses CURVE']
      return ['CORRUPT', 'the other end does not speak ZeroMQ']
    case 'handshake:error:other':
      // ZeroMQ's own timer is as long as ours.
      if (event.error.code === 'EAGAIN') return ['TIMEOUT', 'the other end did not answer in time']
      if (secured) return ['AUTH_FAILED', 'the other end hung up: it has another CURVE key']
      return ['REFUSED', 'the other end hung up without a greeting']
    case 'disconnect':
      return ['CORRUPT', 'the other end is a ZeroMQ socket of another kind']
    default:
      return undefined
  }
}
