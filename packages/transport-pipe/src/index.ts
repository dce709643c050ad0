export { pipe, pipe as transport } from './transport.js'
