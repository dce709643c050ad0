// A peer that does what its argument says.
import { parentChannel } from '@strait/core/node'
import { fork } from '@strait/transport-fork'

const channel = await parentChannel(async () => fork)
const say = (text) => channel.send(new TextEncoder().encode(text))
const next = async () => new TextDecoder().decode(await channel.receive())

const modes = {
  /** Reads nothing until it is told to by a signal; then says how many came and what it needed. */
  async sleepy() {
    await say('asleep')
    await new Promise((resolve) => process.once('SIGUSR2', resolve))
    let count = 0
    while ((await channel.receive())?.length !== 1) count++
    await say(`${count}`)
    await channel.close()
  },
  /** Sends until there is no room. */
  async flood() {
    const message = new Uint8Array(1000)
    let count = 0
    while (channel.trySend(message)) count++
    await say(`${count}`)
    await channel.close()
  },
  async echo() {
    for await (const message of channel) await channel.send(message)
    await channel.close()
  },
  async foreign() {
    await say('before')
    process.send(globalThis.structuredClone(JSON.parse(await next())))
    await say('behind')
    await channel.receive()
  },
  async disconnect() {
    await say('before')
    process.disconnect()
    await channel.closed
  },
  async stubborn() {
    await say('before')
    process.stdout.write('said')
    setInterval(() => {}, 1000)
  },
  /** Ends with 7 when its channel ends with this code. */
  async expect(code) {
    await say('ready')
    const error = await channel.receive().catch((error) => error)
    process.exitCode = error?.code === code ? 7 : 8
  },
}

const [mode, ...args] = process.argv.slice(2)
await modes[mode](...args)
