// Connects to the URL of its first argument again and again, its second times; each time it writes random words all over
// the memory of the channel for a while, and rings, and hangs up. The third argument is the seed.
import { greetInPackets, NO_EVENTS } from '@strait/core'
import { native, SharedMemory } from '@strait/posix'
import { confirmObjects, connectControl, receiveObjects } from '@strait/rendezvous'

const WORDS = 20_000
const BETWEEN_BELLS = 500

const url = new URL(process.argv[2])
let state = Number(process.argv[4])
/** xorshift32 */
function random() {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return state >>> 0
}

/** Lengths and kinds that may be, multiples of 8, and anything. */
const VALUES = [() => random() % 8, () => random() % 100, () => (random() % 4096) & ~7, random]

for (let round = Number(process.argv[3]); round > 0; round--) {
  const { packets: control } = connectControl(url, { parameters: ['wait', 'ring'] })
  await greetInPackets(control, 'connect', url, {})
  const { descriptors } = await receiveObjects(control, 1, url, {})
  const memory = SharedMemory.fromDescriptor(descriptors[0])
  confirmObjects(control)
  const words = memory.view(Uint32Array)
  // First only in the records, then also in what stands in front of them, then at the beginning of the rings.
  const reach = [words.length, words.length, 256][round % 3]
  let hungUp = false
  control.events = { ...NO_EVENTS, end: () => (hungUp = true) }
  for (let i = 0; i < WORDS && !hungUp; i++) {
    const at = (random() % reach) + (random() % 2) * ((words.length / 2) | 0)
    if (at < words.length) Atomics.store(words, at, VALUES[random() % VALUES.length]())
    if (i % BETWEEN_BELLS !== 0) continue
    native().send(control.descriptor, Uint8Array.of(0))
    await new Promise(setImmediate)
    while (control.read() !== undefined);
  }
  memory.close()
  control.destroy()
  await new Promise(setImmediate)
}
