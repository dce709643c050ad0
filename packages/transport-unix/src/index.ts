export { type UnixConnectOptions, type UnixListenOptions, unix as transport, unix } from './transport.js'
