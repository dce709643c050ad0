import { randomBytes } from 'node:crypto'
import { type BaseChannel, type BaseListener, patient } from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import type { Scheme } from './address.js'
import { capabilities } from './capabilities.js'
import { connect, type WsConnectOptions } from './connect.js'
import { listen, type WsListenOptions } from './listen.js'

const over = (scheme: Scheme) => ({
  schemes: [scheme],
  capabilities,
  listen: (url: URL, options: WsListenOptions = {}): Promise<BaseListener<BaseChannel>> =>
    listen(scheme, url, options),
  connect: patient((url: URL, options: WsConnectOptions) => connect(scheme, url, options)),
})

/** `ws://host[:port][/path]`: WebSocket; RFC 6455. Port 0 listens on any free port. */
export const ws = {
  ...over('ws'),
  privateAddress: () => new URL(`ws://127.0.0.1:0/${randomBytes(16).toString('hex')}`),
} satisfies PeerTransport

/** `wss://host[:port][/path]`: WebSocket over TLS. Whoever listens needs a certificate, so it starts no peers. */
export const wss = over('wss') satisfies PeerTransport
