import { connect, Socket } from 'node:net'
import { isQuestion, readPayload, writePayload } from '../payload.js'
import { onMessages } from './boundaries.js'

/** Arguments: the size of every message, and the port; without a port the socket is descriptor 3. */
const [size, port] = process.argv.slice(2).map(Number)

const socket =
  port === undefined
    ? new Socket({ fd: 3, readable: true, writable: true })
    : connect({ port, host: '127.0.0.1', noDelay: true })
const answer = new Uint8Array(size!)
onMessages(socket, size!, (message) => {
  const byte = readPayload(message, size!)
  if (!isQuestion(byte)) return
  writePayload(answer, byte)
  socket.write(answer)
})
