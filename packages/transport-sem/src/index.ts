export { type SemConnectOptions, sem, sem as transport } from './transport.js'
