export { fork as transport, fork } from './transport.js'
