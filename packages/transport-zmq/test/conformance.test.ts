import { conformance } from '@strait/conformance'
import { describe, it } from 'vitest'
import { zmqTcp as transport } from '../src/index.js'

const module = import.meta.resolve('@strait/transport-zmq')
const address = () => 'zmq+tcp://127.0.0.1:0'
conformance({ describe, it }, { transport, module, exported: 'zmqTcp', address })
