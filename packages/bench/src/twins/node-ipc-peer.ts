import { Responder } from '../payload.js'
import { onMessages } from './boundaries.js'
import { asBuffer } from './buffers.js'
import { newNodeIpc } from './node-ipc-library.js'

/** Arguments: the module, the path of the socket, the size of every message. */
const [module, path, size] = process.argv.slice(2)
const ipc = await newNodeIpc(module!)
ipc.connectTo('bench', path!, () => {
  const client = ipc.of.bench!
  const responder = new Responder(() => client.socket.writableLength === 0)
  onMessages(client, Number(size), (message) => {
    const answer = responder.answer(message)
    if (answer !== undefined) client.emit(asBuffer(answer))
  })
})
