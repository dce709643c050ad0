export { curveKeyPair } from 'zeromq'
export type { CurveClient, CurveServer } from './curve.js'
export {
  type ZmqConnectOptions,
  type ZmqIpcConnectOptions,
  type ZmqIpcListenOptions,
  type ZmqListenOptions,
  zmqIpc,
  zmqTcp,
} from './transport.js'
