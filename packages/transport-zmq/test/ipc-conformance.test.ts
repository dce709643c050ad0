import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
import { zmqIpc as transport } from '../src/index.js'

const module = import.meta.resolve('@strait/transport-zmq')
const address = (directory: string, name: string) => `zmq+ipc:${directory}/${name}`
conformance({ describe, it }, { transport, module, exported: 'zmqIpc', address })
