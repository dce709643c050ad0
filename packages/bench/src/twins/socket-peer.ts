import { connect, Socket } from 'node:net'
import { Responder } from '../payload.js'
import { onMessages } from './boundaries.js'

/** Arguments: the size of every message, and the port; without a port the socket is descriptor 3. */
const [size, port] = process.argv.slice(2).map(Number)

const socket =
  port === undefined
    ? new Socket({ fd: 3, readable: true, writable: true })
    : connect({ port, host: '127.0.0.1', noDelay: true })
// What the kernel has not taken yet stays with the socket.
const responder = new Responder(() => socket.writableLength === 0)
onMessages(socket, size!, (message) => {
  const answer = responder.answer(message)
  if (answer !== undefined) socket.write(answer)
})
