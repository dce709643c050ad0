export { signal, signal as transport } from './transport.js'
