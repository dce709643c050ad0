export type { WsConnectOptions } from './connect.js'
export type { WsListenOptions } from './listen.js'
export { ws as transport, ws, wss } from './transport.js'
