// A peer that does what its first argument says; in-process peers, which have no arguments, echo.
import { parentChannel } from 'strait'

const [mode = 'echo', ...args] = import.meta.url.includes('strait=') ? [] : process.argv.slice(2)

const modes = {
  async echo() {
    const channel = await parentChannel()
    for await (const message of channel) await channel.send(message)
    await channel.close()
  },
  async same() {
    const channels = await Promise.all([parentChannel(), parentChannel()])
    await channels[0].send(Uint8Array.of(Number(channels[0] === channels[1])))
    await channels[0].close()
  },
  /** Says everything that somebody else could read of this process. */
  async secrets() {
    const channel = await parentChannel()
    await channel.send(new TextEncoder().encode(JSON.stringify({ env: process.env, argv: process.argv })))
    await channel.receive()
    await channel.close()
  },
  async exit(code) {
    await parentChannel()
    process.exit(Number(code))
  },
  async 'exit-before-joining'(code) {
    process.exit(Number(code))
  },
  async 'throw-before-joining'() {
    throw new Error('thrown on purpose')
  },
  async 'never-join'() {
    setInterval(() => {}, 1000)
  },
  /** Starts a peer of its own, which outlives nothing. */
  async middle(address) {
    const { spawnPeer } = await import('strait')
    const channel = await parentChannel()
    const peer = await spawnPeer(address, new URL(import.meta.url), {
      args: ['hold'],
      stdio: ['ignore', 'inherit', 'ignore'],
    })
    await channel.send(new TextEncoder().encode(String(peer.pid)))
    await channel.receive()
  },
  /** Lives on although nothing else keeps it alive; holds its stdout open. */
  async hold() {
    await parentChannel()
    setInterval(() => {}, 1000)
  },
  async lazy() {
    const channel = await parentChannel()
    await channel.receive()
    await channel.close()
  },
}

await modes[mode](...args)
