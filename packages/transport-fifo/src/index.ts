export { type FifoConnectOptions, fifo, fifo as transport } from './transport.js'
