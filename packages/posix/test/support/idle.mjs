// Waits for everything at once, and says to strace from when until when: 1 s between two calls that fail.
import { accessSync } from 'node:fs'

const [, , built, directory] = process.argv
const { Fifo, PIPE_BUF, Pipe, UnixListener, UnixSocket } = await import(built)

const page = new Uint8Array(PIPE_BUF)
const fill = (socket, bytes, options) => {
  while (socket.trySend(bytes, options) !== undefined);
}
const waiting = (promise) => promise.then(() => process.exit(1))
const address = (name) => ({ abstract: `${directory}-${name}` })

const pipe = Pipe.create()
waiting(pipe.reader.read())
const fifo = Fifo.create(`${directory}/fifo`)
while (fifo.writer.tryWrite(page) !== undefined);
waiting(fifo.writer.write(page))
const awaited = Fifo.create(`${directory}/awaited`)
awaited.close()
const unwritten = Fifo.open(awaited.path, { access: 'read' })
waiting(unwritten.reader.read())
const held = [pipe, fifo, unwritten]

for (const kind of ['stream', 'seqpacket', 'datagram']) {
  const [near, far] = UnixSocket.pair(kind)
  waiting(near.receive())
  fill(near, page)
  waiting(near.send(page))
  held.push(near, far)
}
const listener = UnixListener.listen(address('listener'))
waiting(listener.accept())

// One queue is full by its count, one has used up the sender's memory, and one has room that the sender cannot use.
const receivers = ['many', 'long', 'other'].map((name) => UnixSocket.bind(address(name)))
const senders = [1, 60_000].map((length, index) => {
  const sender = UnixSocket.unbound()
  const to = address(['many', 'long'][index])
  fill(sender, new Uint8Array(length), { to })
  waiting(sender.send(new Uint8Array(length), { to: index === 0 ? to : address('other') }))
  return sender
})
held.push(listener, receivers, senders)

const mark = (name) => {
  try {
    accessSync(`/strait-test-${name}`)
  } catch {
    // It is only there to be seen.
  }
}
// In the turn of the loop after the one that has begun to watch.
setImmediate(() =>
  setImmediate(() => {
    mark('begin')
    setTimeout(() => {
      mark('end')
      process.exit(held.length > 0 ? 0 : 1)
    }, 1_000)
  }),
)
