// A thread that connects to the address in its data and is hot from then on: always awake, or blocked in a call.
import { parentPort, workerData } from 'node:worker_threads'
import { shm } from '@strait/transport-shm'

const { address, what } = workerData
const channel = await shm.connect(new URL(address))
await channel.send(Uint8Array.of(1))
parentPort.postMessage('hot')
if (what === 'receiveSync') channel.receiveSync()
else if (what === 'sendSync') for (;;) channel.sendSync(new Uint8Array(1000))
else if (what === 'claim') await Promise.all([channel.claim(10), channel.receive()])
else if (what === 'lease') await channel.receiveLease()
else for (;;) await channel.send(await channel.receive())
parentPort.postMessage('it did not wait')
