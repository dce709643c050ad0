// A peer that speaks the units by hand: greets, sends 100 messages and PING, says when PONG has come, and waits.
import { Dealer } from 'zeromq'

const socket = new Dealer({ reconnectInterval: -1, linger: 0 })
socket.connect(process.argv[2])
const preface = Buffer.alloc(17)
preface.write('STRAIT', 1)
preface[0] = 5
preface[7] = 1
preface.writeUInt32LE(65536, 9)
await socket.send(preface)
for (let index = 0; index < 100; index++) await socket.send(Buffer.alloc(501, index).fill(0, 0, 1))
await socket.send(Buffer.from([2]))
for (;;) {
  const [frame] = await socket.receive()
  if (frame[0] === 3) break
}
process.send('everything has arrived')
setInterval(() => {}, 1000)
