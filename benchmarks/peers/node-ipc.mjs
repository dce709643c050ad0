export { IPCModule } from 'node-ipc'
