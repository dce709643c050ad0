import { shm } from '@strait/transport-shm'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array) => new TextDecoder().decode(message)

// Having nothing else to do, it may as well block.
const channel = await shm.connect(new URL(process.argv[2]!), { wait: 10_000 })
for (let job = channel.receiveSync()!; job.length > 0; job = channel.receiveSync()!)
  channel.sendSync(bytes(String(fib(Number(text(job))))))

// The next message is not copied: these are the bytes that the other process has written.
const leased = channel.receiveLease()
channel.sendSync(bytes('ready'))
const lease = (await leased)!
const { buffer, byteOffset, length } = lease.bytes
const numbers = new Float64Array(buffer, byteOffset, length / Float64Array.BYTES_PER_ELEMENT)
const sum = numbers.reduce((sum, number) => sum + number)
lease.release()
channel.sendSync(bytes(`the sum is ${sum}`))
channel.receiveSync()
