export { SeqpacketChannel } from './channel.js'
export {
  type SeqpacketConnectOptions,
  type SeqpacketListenOptions,
  seqpacket,
  seqpacket as transport,
} from './transport.js'
