import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
import { zmqIpc, zmqTcp } from '../src/index.js'

const module = import.meta.resolve('@strait/transport-zmq')
const ipc = (directory: string, name: string) => `zmq+ipc:${directory}/${name}`

describe('zmq+tcp:', () =>
  conformance(
    { describe, it },
    { transport: zmqTcp, module, exported: 'zmqTcp', address: () => 'zmq+tcp://127.0.0.1:0' },
  ))
describe('zmq+ipc:', () =>
  conformance({ describe, it }, { transport: zmqIpc, module, exported: 'zmqIpc', address: ipc }))
