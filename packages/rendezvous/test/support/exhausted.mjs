// Leaves itself one, two, … descriptors and says each time what came of an operation: a code, or `ok` and then stops.
import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { BaseChannel, mem, packeted } from '@strait/core'
import { native } from '@strait/posix'
import { connectControl, listenAt, SocketPackets } from '@strait/rendezvous'

const [, , operation, address] = process.argv
const url = new URL(address)
const system = native()
const capabilities = mem.capabilities
const turn = () => new Promise((resolve) => setImmediate(resolve))

const operations = {
  async listen() {
    const listener = await listenAt(url, {}, async (packets, peer) => {
      const link = await packeted(packets, 'listen', url, {})
      return new BaseChannel(link, { url, capabilities, peer })
    })
    await listener.close()
  },
  async connect() {
    connectControl(url, {}).packets.destroy()
  },
  /** Two descriptors come with a packet for which that many may not be left. */
  async receive(packets, peer) {
    system.send(peer, Uint8Array.of(1), undefined, Int32Array.of(0, 0))
    let failure
    packets.mostDescriptors = 2
    packets.events = { ...packets.events, end: (error) => (failure = error) }
    let packet = packets.read()
    while (packet === undefined && failure === undefined) {
      await turn()
      packet = packets.read()
    }
    if (failure !== undefined) throw failure
    for (const descriptor of packets.takeDescriptors(packet)) system.close(descriptor)
  },
}

execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=64:'])
for (let left = 0; ; left++) {
  const ends = new Int32Array(2)
  system.socketpair(system.SOCK_SEQPACKET, ends)
  const packets = new SocketPackets(ends[0], url)
  const filling = []
  try {
    for (;;) filling.push(openSync('/dev/null', 'r'))
  } catch {
    // Now there are none left.
  }
  for (let i = 0; i < left; i++) closeSync(filling.pop())
  let result = 'ok'
  try {
    await operations[operation](packets, ends[1])
  } catch (error) {
    result = error.code
  }
  for (const descriptor of filling) closeSync(descriptor)
  packets.destroy()
  system.close(ends[1])
  await turn()
  console.log(result)
  if (result === 'ok') break
}
