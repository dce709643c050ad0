// Connects to the URL of its first argument, writes random words all over the memory of the channel for a while, wakes
// who waits, and hangs up. The second argument is the seed, the third how many words.
import { greetInPackets, NO_EVENTS } from '@strait/core'
import { native, SharedMemory } from '@strait/posix'
import { confirmObjects, connectControl, receiveObjects } from '@strait/rendezvous'

const BETWEEN_TURNS = 200
const DIRECTION = 65_792 / 4

let state = Number(process.argv[3])
/** xorshift32 */
function random() {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return state >>> 0
}

/** Lengths, kinds and permits that may be, and anything. */
const VALUES = [() => random() % 8, () => random() % 17, () => random() % 4100, random]

const url = new URL(process.argv[2])
const { packets: control } = connectControl(url, {})
await greetInPackets(control, 'connect', url, {})
const { descriptors } = await receiveObjects(control, 1, url, {})
const memory = SharedMemory.fromDescriptor(descriptors[0])
confirmObjects(control)
const words = memory.view(Uint32Array)
let hungUp = false
control.events = { ...NO_EVENTS, end: () => (hungUp = true) }
for (let i = 0; i < Number(process.argv[4]) && !hungUp; i++) {
  // Mostly in the semaphores, and in the heads of the first slots.
  const reach = i % 3 === 0 ? DIRECTION : 40
  Atomics.store(words, (random() % reach) + (random() % 2) * DIRECTION, VALUES[random() % VALUES.length]())
  if (i % BETWEEN_TURNS !== 0) continue
  // Put as it should be, so that somebody is woken, too.
  native().slotsPut(memory.region, 1, random(), 1, Uint8Array.of(1))
  await new Promise(setImmediate)
}
memory.close()
control.destroy()
