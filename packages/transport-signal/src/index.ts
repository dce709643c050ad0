export { type SignalConnectOptions, signal, signal as transport } from './transport.js'
