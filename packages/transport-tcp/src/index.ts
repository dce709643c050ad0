export { type TcpConnectOptions, type TcpListenOptions, tcp as transport, tcp } from './transport.js'
