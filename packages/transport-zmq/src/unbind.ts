import { randomUUID } from 'node:crypto'
import { ConnectingSocket, type ListeningSocket } from './sockets.js'

/**
 * Stops listening at an endpoint, and resolves when the name is free. ZeroMQ does not tell, but its I/O thread does in
 * order what it is asked: when it has failed to connect to nobody, it has closed before.
 */
export async function unbind(socket: ListeningSocket, endpoint: string): Promise<void> {
  // The same as `unbind`, which zeromq does on another thread while this one may read the socket.
  socket.disconnect(endpoint)
  const fence = new ConnectingSocket({ affinity: 1, linger: 0 })
  fence.connect(`ipc://@strait-nobody-${randomUUID()}`)
  await fence.nextEvent()
  fence.close()
}
