// What an actor does at length by itself. Each program gets its primitive, the words that all actors of a test share, and
// options; those whose names end in Sync block their thread.

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Where a log begins is the number of its entries. */
function append(words, log, tag) {
  Atomics.store(words, log + 1 + Atomics.add(words, log, 1), tag)
}

function raise(words, word, value) {
  for (;;) {
    const before = Atomics.load(words, word)
    if (before >= value || Atomics.compareExchange(words, word, before, value) === before) return
  }
}

/**
 * What only one may do at a time: a counter is read, and written a step later, without atomics. The word behind it says
 * how many are inside, the next how many there were at most.
 */
function* section(words, counter) {
  raise(words, counter + 2, Atomics.add(words, counter + 1, 1) + 1)
  const before = words[counter]
  yield
  words[counter] = before + 1
  Atomics.sub(words, counter + 1, 1)
}

function passThrough(words, counter) {
  const inside = section(words, counter)
  while (!inside.next().done);
}

/** Some sections of a hammer last a turn of the event loop. */
const LONG = 8

async function linger(words, counter, round) {
  const inside = section(words, counter)
  inside.next()
  if (round % LONG === 0) await turn()
  inside.next()
}

/** Reads both halves of what writers change, and whether they agreed. */
function halvesAgree(words, halves) {
  return words[halves] === words[halves + 1]
}

export const programs = {
  /** Takes it, says so in a log, and gives it back. */
  async record(primitive, words, { method, log, tag }) {
    const guard = await primitive[method]()
    append(words, log, tag)
    guard.release()
  },

  /** So many wait at once; the order in which they were served. */
  async crowd(primitive, _words, { method, count }) {
    const order = []
    const one = async (waiting, index) => {
      const guard = await waiting
      order.push(index)
      guard.release()
    }
    await Promise.all(Array.from({ length: count }, (_, index) => one(primitive[method](), index)))
    return order
  },

  /** So many tasks that go through so many sections. */
  async hammer(primitive, words, { method, rounds, counter, tasks = 1 }) {
    const task = async () => {
      for (let round = 0; round < rounds; round++) {
        const guard = await primitive[method]()
        await linger(words, counter, round)
        guard.release()
      }
    }
    await Promise.all(Array.from({ length: tasks }, task))
  },

  hammerSync(primitive, words, { method, rounds, counter }) {
    for (let round = 0; round < rounds; round++) {
      const guard = primitive[method]()
      passThrough(words, counter)
      guard.release()
    }
  },

  async hammerTrying(primitive, words, { method, rounds, counter }) {
    for (let round = 0; round < rounds; ) {
      const guard = primitive[method]()
      if (guard !== undefined) await linger(words, counter, round++)
      guard?.release()
      if (guard === undefined) await turn()
    }
  },

  /** Takes it whenever it can, and holds it nearly always, until a log has an entry. */
  async insist(primitive, words, { method, log }) {
    while (Atomics.load(words, log) === 0) {
      const guard = primitive[method]()
      await turn()
      guard?.release()
      // At once again, before anybody else can have seen that it was free.
      primitive[method]()?.release()
    }
  },

  insistSync(primitive, words, { method, log }) {
    while (Atomics.load(words, log) === 0) primitive[method]().release()
  },

  /** Readers that follow each other so closely that there is always one, until a log has an entry. */
  async overlap(lock, words, { log }) {
    const reader = async () => {
      while (Atomics.load(words, log) === 0) {
        const guard = await lock.read()
        await turn()
        await turn()
        guard.release()
      }
    }
    await Promise.all([reader(), turn().then(reader)])
  },

  /** Writes both halves, one after the other. */
  async writeHalves(lock, words, { rounds, halves }) {
    for (let round = 0; round < rounds; round++) {
      const guard = await lock.write()
      words[halves]++
      if (round % LONG === 0) await turn()
      words[halves + 1]++
      guard.release()
    }
  },

  async readHalves(lock, words, { rounds, halves }) {
    let torn = 0
    for (let round = 0; round < rounds; round++) {
      const guard = await lock.read()
      if (!halvesAgree(words, halves)) torn++
      if (round % LONG === 0) await turn()
      if (!halvesAgree(words, halves)) torn++
      guard.release()
    }
    return torn
  },

  /** Waits for one event, takes it back, and sets the other. */
  async relay(event, _words, { next, rounds }, actor) {
    for (let round = 0; round < rounds; round++) {
      await event.wait()
      event.clear()
      actor.primitive(next).set()
    }
  },

  /** Comes so many times; the indices, and whether everybody had come each time. */
  async phases(barrier, words, { rounds, arrivals }) {
    const indices = []
    let early = 0
    for (let round = 1; round <= rounds; round++) {
      Atomics.add(words, arrivals, 1)
      indices.push(await barrier.wait())
      if (Atomics.load(words, arrivals) < round * barrier.parties) early++
    }
    return { indices, early }
  },

  phasesSync(barrier, words, { rounds, arrivals }) {
    const indices = []
    let early = 0
    for (let round = 1; round <= rounds; round++) {
      Atomics.add(words, arrivals, 1)
      indices.push(barrier.waitSync())
      if (Atomics.load(words, arrivals) < round * barrier.parties) early++
    }
    return { indices, early }
  },

  /** Holds the mutex, waits for a notice, says in a log that it came, and gives the mutex back. */
  async notice(condition, words, { mutex, log, tag }, actor) {
    const guard = await actor.primitive(mutex).lock()
    await condition.wait(guard)
    append(words, log, tag)
    guard.release()
  },

  /** Puts so many into a buffer of one word, in which there is room for some. */
  async produce(changed, words, { mutex, buffer, room, count }, actor) {
    for (let made = 0; made < count; made++) {
      const guard = await actor.primitive(mutex).lock()
      await changed.waitFor(guard, () => words[buffer] < room)
      words[buffer]++
      changed.notifyAll()
      guard.release()
    }
  },

  async consume(changed, words, { mutex, buffer, count }, actor) {
    let seen = 0
    for (let used = 0; used < count; used++) {
      const guard = await actor.primitive(mutex).lock()
      await changed.waitFor(guard, () => words[buffer] > 0)
      seen = Math.max(seen, words[buffer])
      words[buffer]--
      changed.notifyAll()
      guard.release()
    }
    return seen
  },
}
