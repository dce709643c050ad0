import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
import { zmqIpc as transport } from '../src/index.js'

const module = import.meta.resolve('@strait/transport-zmq')
const address = (directory: string, name: string) => `zmq+ipc:${directory}/${name}`
const arrangements = ['here, near connects', 'other process, near accepts'] as const
conformance({ describe, it }, { transport, module, exported: 'zmqIpc', address, arrangements })
