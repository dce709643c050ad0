export { IPCModule } from '@achrinza/node-ipc'
