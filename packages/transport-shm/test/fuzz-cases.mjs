// Channels whose peer has greeted as it should and then does, by a seed, whatever can be done with the memory and the
// socket, while this end uses all that it has. In one thread, so that a case is the same each time.
//
//   node fuzz-cases.mjs seed first count
//
// Says which case begins, and at last how they ended: a code, or `open`. Ends with 1 where something else came of one.
import { readdirSync, readFileSync, writeSync } from 'node:fs'
import { greetInPackets, Kind, NO_EVENTS, StraitError } from '@strait/core'
import { native, SharedMemory } from '@strait/posix'
import { confirmObjects, connectControl, receiveObjects } from '@strait/rendezvous'
import { shm } from '@strait/transport-shm'

// The memory as packages/posix/native/ring.h draws it: words of the two directions, ours and the peer's.
const CAPACITY = 4096
const RECORDS = 384 / 4
const OUT = (384 + CAPACITY) / 4
const PADDING = 0xffffffff
const MAX_MESSAGE_SIZE = 20_000
const LONGEST = CAPACITY / 2 - 16
/** Of which a whole lap is a peer that sends for ever. */
const LAPS = [Kind.DATA, Kind.FIRST, Kind.MORE, Kind.END, Kind.PING, Kind.PONG]

/** xorshift32 */
class Random {
  #state
  constructor(seed) {
    this.#state = seed | 1
    for (let i = 0; i < 8; i++) this.next()
  }
  next() {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return this.#state >>> 0
  }
  below(limit) {
    return this.next() % limit
  }
  pick(list) {
    return list[this.below(list.length)]
  }
}

const turns = async (count) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

class Peer {
  #random
  #control
  #memory
  #words
  #position = 0
  #over = false

  static async connect(url, random) {
    const { packets: control } = connectControl(url, { parameters: ['wait', 'ring'] })
    await greetInPackets(control, 'connect', url, {})
    const { descriptors } = await receiveObjects(control, 1, url, {})
    const peer = new Peer()
    peer.#random = random
    peer.#control = control
    peer.#memory = SharedMemory.fromDescriptor(descriptors[0])
    peer.#words = peer.#memory.view(Uint32Array)
    control.events = { ...NO_EVENTS, readable: () => peer.#hear(), end: () => peer.hangUp() }
    confirmObjects(control)
    return peer
  }

  #hear() {
    while (!this.#over && this.#control.read() !== undefined);
  }

  act() {
    if (this.#over) return
    const random = this.#random
    random.pick([
      () => this.#scribble(),
      () => this.#scribble(),
      () => this.#free(),
      () => this.#bells(),
      () => this.#send(),
      () => this.#send(),
      () => this.#send(),
      () => this.#wrongRecord(),
      () => random.below(8) === 0 && this.#lap(),
      () => random.below(8) === 0 && this.hangUp(),
    ])()
  }

  #scribble() {
    const random = this.#random
    for (let i = random.below(20); i > 0; i--) {
      const at = random.pick([
        () => random.below(this.#words.length),
        () => random.pick([0, 1, 32, 64]) + random.pick([0, OUT]),
        () => OUT + RECORDS + this.#at() / 4 + random.below(4),
      ])()
      const value = random.pick([
        random.below(8),
        random.below(3000),
        random.below(600) * 8,
        PADDING,
        random.next(),
      ])
      if (at < this.#words.length) Atomics.store(this.#words, at, value)
    }
  }

  #free() {
    this.#words[0] = this.#random.pick([0, this.#random.below(1024) * 8, this.#random.below(4096)])
    this.#bell()
  }

  #at() {
    return this.#position & (CAPACITY - 1)
  }

  #record(kind, commit) {
    const at = OUT + RECORDS + this.#at() / 4
    this.#words[at + 1] = kind
    Atomics.store(this.#words, at, commit)
  }

  /** A record as it should be, though perhaps not of what may come next; nobody looks whether there is room. */
  #send() {
    const random = this.#random
    const length = random.pick([0, 0, random.below(64), random.below(LONGEST + 1)])
    const span = 8 + ((length + 7) & ~7)
    if (CAPACITY - this.#at() < span) {
      this.#words[OUT + RECORDS] = 0
      this.#record(PADDING, CAPACITY - this.#at() - 8 + 1)
      this.#position += CAPACITY - this.#at()
    }
    const at = OUT + RECORDS + this.#at() / 4
    // The whole length, where it is a first part.
    if (length >= 4)
      this.#words[at + 2] = random.pick([length - 4, length + random.below(4000), random.next()])
    this.#words[OUT + RECORDS + ((this.#position + span) & (CAPACITY - 1)) / 4] = 0
    const { DATA, FIRST, MORE, END, PING, PONG } = Kind
    this.#record(random.pick([DATA, DATA, DATA, DATA, FIRST, MORE, MORE, PING, PONG, END]), length + 1)
    this.#position += span
    this.#bell()
  }

  #wrongRecord() {
    const random = this.#random
    const left = CAPACITY - this.#at()
    const lengths = [LONGEST, left - 8, left, CAPACITY, 2 ** 32 - 2, random.next() % 2 ** 31]
    this.#record(random.pick([Kind.DATA, random.below(16), PADDING]), random.pick(lengths) + random.below(3))
    this.#bell()
  }

  #lap() {
    const kind = this.#random.pick(LAPS)
    const length = this.#random.pick([0, 8, 56])
    const span = (8 + length) / 4
    for (let at = 0; at < CAPACITY / 4; at += span) {
      this.#words[OUT + RECORDS + at + 1] = kind
      this.#words[OUT + RECORDS + at] = length + 1
    }
  }

  #bell(packet = Uint8Array.of(Kind.DATA)) {
    native().send(this.#control.descriptor, packet)
  }

  #bells() {
    const random = this.#random
    const packet = random.below(16) === 0 ? Uint8Array.of(random.below(16), 0) : undefined
    for (let i = random.below(random.pick([3, 3, 3, 40])); i > 0; i--) this.#bell(packet)
  }

  hangUp() {
    if (this.#over) return
    this.#over = true
    this.#memory.close()
    this.#control.destroy()
  }
}

/** Only this may come of what a peer does. */
function expected(error) {
  if (!(error instanceof StraitError)) throw error
  return error
}

class Ourselves {
  #random
  #channel
  /** What waits; each ends in a result or an error of the channel. */
  waiting = []

  constructor(channel, random) {
    this.#channel = channel
    this.#random = random
  }

  act() {
    const random = this.#random
    const channel = this.#channel
    const size = random.pick([0, random.below(64), random.below(LONGEST + 1)])
    const message = new Uint8Array(random.pick([size, size, random.below(MAX_MESSAGE_SIZE + 1)]))
    const timeout = random.below(2)
    const act = random.pick([
      () => this.#received(channel.tryReceive()),
      () => this.#wait(channel.receive().then((each) => this.#received(each))),
      () => this.#received(channel.receiveSync({ timeout })),
      () => this.#wait(channel.readable()),
      () => this.#leased(channel.tryReceiveLease()),
      () => this.#wait(channel.receiveLease().then((lease) => this.#leased(lease))),
      () => channel.trySend(message),
      () => this.#wait(channel.send(message)),
      // One that needs no second record, for whose room there is no timeout.
      () => channel.sendSync(message.subarray(0, LONGEST), { timeout }),
      () => this.#claimed(channel.tryClaim(size)),
      () => this.#wait(channel.claim(size).then((claim) => this.#claimed(claim))),
      () => channel.stats(),
      () => random.below(20) === 0 && this.#wait(channel.close()),
    ])
    try {
      act()
    } catch (error) {
      expected(error)
    }
  }

  #wait(promise) {
    const settled = promise.then(
      () => {},
      (error) => void expected(error),
    )
    // Not unhandled meanwhile; it counts when all are awaited.
    settled.catch(() => {})
    this.waiting.push(settled)
  }

  #received(message) {
    // The bytes of a lease end with the channel.
    if (message === undefined || message.buffer.byteLength === 0) return
    if (message.length > MAX_MESSAGE_SIZE) throw new Error(`a message of ${message.length} bytes`)
    message.fill(1)
  }

  #leased(lease) {
    this.#received(lease?.bytes)
    if (lease !== undefined) this.#wait(turns(this.#random.below(4)).then(() => lease.release()))
  }

  #claimed(claim) {
    if (claim === undefined) return
    if (this.#channel.state !== 'closed') claim.bytes.fill(1)
    const settle = () =>
      this.#random.below(4) === 0 ? claim.discard() : claim.commit(this.#random.below(claim.bytes.length + 1))
    this.#wait(turns(this.#random.below(4)).then(settle))
  }
}

/** One channel, from the greeting to the end; how it ended. */
async function run(seed, number) {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
  const url = new URL(
    `shm:fuzz-${process.pid}?ring=${CAPACITY}&wait=${random.pick(['adaptive', 'park', 'spin'])}`,
  )
  const listener = await shm.listen(url, { maxMessageSize: MAX_MESSAGE_SIZE })
  const peer = await Peer.connect(url, random)
  const channel = await listener.accept()
  await listener.close()
  const ourselves = new Ourselves(channel, random)
  for (let step = random.below(60); step > 0; step--) {
    if (random.below(2) === 0) peer.act()
    else ourselves.act()
    if (random.below(4) === 0) await turns(random.below(3))
  }
  if (random.below(2) === 0) peer.hangUp()
  await turns(random.below(5))
  const outcome = channel.state
  channel.abort()
  await Promise.all(ourselves.waiting)
  const { by, error } = await channel.closed
  peer.hangUp()
  if (outcome !== 'closed') return 'open'
  return error === undefined ? `closed by ${by}` : expected(error).code
}

const held = () => [
  readdirSync('/proc/self/fd').length,
  (readFileSync('/proc/self/maps', 'utf8').match(/memfd:/g) ?? []).length,
]

const [seed = 1, first = 0, count = 1] = process.argv.slice(2).map(Number)
const outcomes = {}
let before
for (let number = first; number < first + count; number++) {
  writeSync(1, `case ${number}\n`)
  const outcome = await run(seed, number)
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  await turns(10)
  // The first has made what is made once.
  before ??= held()
  if (`${held()}` !== `${before}`) throw new Error(`${before} descriptors and mappings became ${held()}`)
}
writeSync(1, `${JSON.stringify(outcomes)}\n`)
