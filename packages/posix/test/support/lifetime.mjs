// Opens and closes each object many times, and says what more there is than before: descriptors, mappings, bytes.
import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { EventFd, PidFd, SharedMemory } from '@strait/posix'

const kind = process.argv[2]
const name = `strait-lifetime-${process.pid}`

function refused(attempt) {
  try {
    attempt()
  } catch {
    return
  }
  throw new Error('it was not refused')
}

const LIVES = {
  named() {
    const memory = SharedMemory.create(name, 65_536)
    const again = SharedMemory.open(name)
    memory.unlink()
    memory.bytes.fill(1)
    again.view(Int32Array)[0] += 1
    memory.close()
    again.close()
  },
  anonymous() {
    const memory = SharedMemory.anonymous(65_536, { seals: ['shrink'] })
    memory.bytes.fill(1)
    memory.resize(100_000)
    memory.seal('write')
    if (memory.bytes[0] !== 1) throw new Error('it was not kept')
    memory.close()
  },
  copying() {
    const memory = SharedMemory.anonymous(65_536)
    memory.write(0, memory.read(0, 1000))
    memory.close()
  },
  refused() {
    const memory = SharedMemory.anonymous(10)
    refused(() => SharedMemory.fromDescriptor(memory.descriptor, { seals: ['shrink'] }))
    refused(() => SharedMemory.fromDescriptor(memory.descriptor, { size: 11 }))
    refused(() => SharedMemory.open('strait-does-not-exist'))
    memory.close()
  },
  async event() {
    const event = EventFd.create()
    const waiting = event.wait()
    await event.signal()
    await waiting
    event.close()
  },
  async process() {
    const self = PidFd.open(process.pid)
    const waiting = self.wait()
    self.close()
    await waiting.catch(() => {})
  },
}

function snapshot() {
  global.gc()
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n')
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    mappings: maps.filter((line) => line.includes('strait') && !line.includes('.node')).length,
    bytes: process.memoryUsage().rss,
  }
}

async function live(count) {
  for (let i = 0; i < count; i++) {
    await LIVES[kind]()
    if (i % 100 === 0) await setImmediate()
  }
  await setImmediate()
}

await live(3000)
const before = snapshot()
await live(10_000)
const after = snapshot()
console.log(
  JSON.stringify(Object.fromEntries(Object.keys(before).map((key) => [key, after[key] - before[key]]))),
)
