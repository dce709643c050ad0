export { overPort, WorkerChannel, type WorkerSendOptions, worker as transport, worker } from './transport.js'
