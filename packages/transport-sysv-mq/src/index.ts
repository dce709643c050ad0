export { type SysvMqConnectOptions, sysvMq, sysvMq as transport } from './transport.js'
