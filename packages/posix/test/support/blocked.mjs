// A worker that says which it is about to call, and then blocks in it for ever; or holds everything in every state.
import { parentPort, workerData } from 'node:worker_threads'

const { built, what, directory } = workerData
const { Fifo, PIPE_BUF, Pipe, UnixListener, UnixSocket } = await import(built)

const page = new Uint8Array(PIPE_BUF)
const fillPipe = (writer) => {
  while (writer.tryWrite(page) !== undefined);
}
const fillSocket = (socket, options) => {
  while (socket.trySend(page, options) !== undefined);
}
let unique = 0
const address = () => ({ abstract: `${directory}-${what}-${unique++}` })

const BLOCKING = {
  'PipeReader.readSync': () => {
    const { reader } = Pipe.create()
    return () => reader.readSync()
  },
  'PipeWriter.writeSync': () => {
    const { writer } = Pipe.create()
    fillPipe(writer)
    return () => writer.writeSync(page)
  },
  'Fifo.reader.readSync': () => {
    const fifo = Fifo.create(`${directory}/${what}`)
    return () => fifo.reader.readSync()
  },
  'Fifo.writer.writeSync': () => {
    const fifo = Fifo.create(`${directory}/${what}`)
    fillPipe(fifo.writer)
    return () => fifo.writer.writeSync(page)
  },
  'UnixListener.acceptSync': () => {
    const listener = UnixListener.listen(address())
    return () => listener.acceptSync()
  },
  'UnixSocket.sendSync to': () => {
    const to = address()
    const receiver = UnixSocket.bind(to)
    const sender = UnixSocket.unbound()
    fillSocket(sender, { to })
    return () => sender.sendSync(page, { to }) ?? receiver
  },
}
for (const kind of ['stream', 'seqpacket', 'datagram']) {
  BLOCKING[`UnixSocket.receiveSync ${kind}`] = () => {
    const [socket, other] = UnixSocket.pair(kind)
    return () => socket.receiveSync() ?? other
  }
  BLOCKING[`UnixSocket.sendSync ${kind}`] = () => {
    const [socket, other] = UnixSocket.pair(kind)
    fillSocket(socket)
    return () => socket.sendSync(page) ?? other
  }
}

if (what === 'names') {
  parentPort.postMessage(Object.keys(BLOCKING))
} else if (what === 'everything') {
  globalThis.held = everything()
  parentPort.postMessage('holding')
} else {
  const block = BLOCKING[what]()
  parentPort.postMessage(what)
  block()
  parentPort.postMessage('it did not block')
}

/** Each object idle, waited for in each direction, in part written, and closed; descriptors received and not taken. */
function everything() {
  const held = []
  const waiting = (promise) => promise.catch(() => {})
  const pipes = [0, 1, 2, 3].map(() => Pipe.create())
  waiting(pipes[1].reader.read())
  waiting(pipes[2].writer.write(new Uint8Array(1 << 20)))
  pipes[3].close()
  const fifos = [0, 1, 2].map((index) => Fifo.create(`${directory}/everything-${workerData.index}-${index}`))
  waiting(fifos[1].reader.read())
  fillPipe(fifos[2].writer)
  waiting(fifos[2].writer.write(page))
  held.push(pipes, fifos)
  for (const kind of ['stream', 'seqpacket', 'datagram']) {
    const pairs = [0, 1, 2, 3, 4].map(() => UnixSocket.pair(kind))
    waiting(pairs[1][0].receive())
    fillSocket(pairs[2][0])
    waiting(pairs[2][0].send(page))
    waiting(pairs[2][0].send(page))
    for (const socket of pairs[3]) socket.close()
    const descriptors = [pipes[0].reader.descriptor, pipes[0].writer.descriptor]
    pairs[4][0].sendSync(page, { descriptors })
    held.push(pairs, pairs[4][1].receiveSync({ maxDescriptors: 2 }))
    pairs[4][0].sendSync(page, { descriptors })
  }
  const name = { abstract: `${directory}-everything-${workerData.index}` }
  const to = { abstract: `${name.abstract}-datagram` }
  const listener = UnixListener.listen(name)
  const connected = UnixSocket.connect(name)
  const sender = UnixSocket.unbound()
  const receiver = UnixSocket.bind(to)
  fillSocket(sender, { to })
  waiting(sender.send(page, { to }))
  listener.acceptSync()
  waiting(listener.accept())
  held.push(listener, connected, sender, receiver)
  return held
}
