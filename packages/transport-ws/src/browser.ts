import {
  abortedError,
  BaseChannel,
  type ConnectOptions,
  checkOptions,
  credited,
  DEFAULT_HANDSHAKE_TIMEOUT,
  patient,
  StraitError,
  type Transport,
} from '@strait/core'
import { endpoint, type Scheme } from './address.js'
import { capabilities } from './capabilities.js'
import { PagePort, type PageSocket } from './page-port.js'

declare const WebSocket: new (url: string) => PageSocket

async function connect(scheme: Scheme, url: URL, options: ConnectOptions): Promise<BaseChannel> {
  endpoint(url, scheme, 'connect')
  checkOptions(options)
  if (options.signal?.aborted) throw abortedError('connect', url, options.signal.reason)
  const port = new PagePort(create(url), url)
  await opened(port, url, options)
  return new BaseChannel(await credited(port, 'connect', url, options), { url, capabilities })
}

/** A page of https, for example, may not connect to `ws:`. */
function create(url: URL): PageSocket {
  try {
    return new WebSocket(url.href)
  } catch (cause) {
    throw new StraitError('PERMISSION', 'the browser forbids it', { operation: 'connect', url, cause })
  }
}

function opened(port: PagePort, url: URL, options: ConnectOptions): Promise<void> {
  const { signal, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT } = options
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: StraitError) => {
      settle()
      port.destroy()
      reject(error)
    }
    const onAbort = () => fail(abortedError('connect', url, signal?.reason))
    const timer = setTimeout(() => {
      const reason = `the other end did not answer within ${handshakeTimeout} ms`
      fail(new StraitError('TIMEOUT', reason, { operation: 'connect', url }))
    }, handshakeTimeout)
    signal?.addEventListener('abort', onAbort, { once: true })
    port.opened.then(
      () => {
        settle()
        resolve()
      },
      () => {
        const reason = 'nobody is listening, or the page is not let in; a browser does not say which'
        fail(new StraitError('REFUSED', reason, { operation: 'connect', url }))
      },
    )
  })
}

const over = (scheme: Scheme) =>
  ({
    schemes: [scheme],
    capabilities,
    connect: patient((url: URL, options: ConnectOptions) => connect(scheme, url, options)),
  }) satisfies Transport<BaseChannel>

/** `ws://host[:port][/path]` by the page's own WebSocket: connects to what `ws` listens to in Node. */
export const ws = over('ws')

/** `wss://host[:port][/path]`, which is what a page that came by https needs. */
export const wss = over('wss')

export { ws as transport }
