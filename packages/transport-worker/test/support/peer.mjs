// A thread that does what its first argument says.
import { threadId } from 'node:worker_threads'
import { parentChannel as join, spawnPeer } from '@strait/core/node'
import { worker } from '@strait/transport-worker'

const [mode, ...args] = process.argv.slice(2)
const parentChannel = () => join(async () => worker)
const text = (message) => new TextDecoder().decode(message)
const utf8 = (message) => new TextEncoder().encode(message)

const modes = {
  async echo() {
    const channel = await parentChannel()
    for await (const message of channel) await channel.send(message)
    await channel.close()
  },
  async identity() {
    const channel = await parentChannel()
    const said = {
      pid: process.pid,
      threadId,
      args,
      env: process.env.STRAIT_TEST,
      same: channel === (await parentChannel()),
    }
    await channel.send(utf8(JSON.stringify(said)))
    await channel.receive()
    await channel.close()
  },
  async speak() {
    process.stdout.write('said\n')
    const channel = await parentChannel()
    await channel.close()
  },
  async 'throw-before-joining'() {
    throw new Error('thrown on purpose')
  },
  async 'throw-later'() {
    const channel = await parentChannel()
    await channel.send(utf8('before'))
    await channel.receive()
    throw new RangeError('thrown later')
  },
  async 'exit-before-joining'() {
    process.exit(5)
  },
  /** Keeps its thread busy for ever, so that only terminate() ends it. */
  async busy() {
    const channel = await parentChannel()
    await channel.send(utf8('busy'))
    for (;;);
  },
  async blocked() {
    const channel = await parentChannel()
    await channel.send(utf8('blocked'))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
  async flood() {
    const channel = await parentChannel()
    for (;;) await channel.send(new Uint8Array(1000))
  },
  async stubborn() {
    const channel = await parentChannel()
    await channel.send(utf8('unread'))
    setInterval(() => {}, 1000)
  },
  /** A thread of a thread; says what it hears from it. */
  async middle() {
    const channel = await parentChannel()
    const peer = await spawnPeer(worker, 'worker:', new URL(import.meta.url), { args: ['echo'] })
    for await (const message of channel) {
      await peer.channel.send(utf8(`${text(message)} ${threadId}`))
      await channel.send(await peer.channel.receive())
    }
    await peer.close()
    await channel.close()
  },
  /** Adds up what is moved to it, and moves back a buffer of its own. */
  async moved() {
    const channel = await parentChannel()
    for await (const message of channel) {
      const back = new Uint8Array(message.length).fill(message.reduce((sum, byte) => sum ^ byte, 0))
      await channel.send(back, { transfer: true })
      if (back.length > 0) throw new Error('it was copied')
    }
    await channel.close()
  },
}

await modes[mode]()
