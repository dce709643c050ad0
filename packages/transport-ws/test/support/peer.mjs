// A process that does what its first argument says, at the address that is the second.
import { ws } from '@strait/transport-ws'

const [mode, address] = process.argv.slice(2)
const channel = await ws.connect(new URL(address))

const modes = {
  /** Says twenty messages when it is told to, and stays. */
  async say() {
    await channel.receive()
    for (let index = 0; index < 20; index++) await channel.send(new Uint8Array(100).fill(index))
    await channel.closed
  },
}

await modes[mode]()
