// Opens so many channels of a scheme, both ends here and both waiting to receive, and says so. With a third argument they
// ask each other for a sign of life, so often in ms.
import { connect, listen, loadTransport } from 'strait'

const [, , scheme, count, idleTimeout] = process.argv
const options = {
  // Node wakes up once at the time of a timer that was cleared, to find nothing to do: here of the handshake's, and here
  // long after the test.
  handshakeTimeout: 600_000,
  ...(idleTimeout === undefined ? {} : { idleTimeout: Number(idleTimeout) }),
}
const { pair } = await loadTransport(scheme)
const ends = []
for (let i = 0; i < Number(count); i++) {
  if (pair !== undefined) {
    ends.push(...(await pair(options)))
    continue
  }
  const address = `${scheme}:idle-${process.pid}-${i}`
  const listener = await listen(address, options)
  ends.push(await connect(address, options), await listener.accept())
  // One listener is left: it shall be as idle.
  if (i > 0) await listener.close()
}
for (const end of ends) await end.send(new Uint8Array(1000))
for (const end of ends) await end.receive()
for (const end of ends) void end.receive()
// Ends with the test that started it.
process.stdin.on('end', () => process.exit()).resume()
setImmediate(() => console.log('idle'))
