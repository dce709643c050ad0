export { type MqConnectOptions, mq, mq as transport } from './transport.js'
