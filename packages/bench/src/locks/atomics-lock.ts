/**
 * What the textbooks make of `Atomics` alone: for the threads of one process, and whoever ends with it keeps it. Three
 * states, as in "Futexes Are Tricky": free, locked, locked and perhaps waited for.
 */
export class AtomicsLock {
  readonly #word: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.#word = new Int32Array(memory, 0, 1)
  }

  tryLock(): this | undefined {
    return Atomics.compareExchange(this.#word, 0, FREE, LOCKED) === FREE ? this : undefined
  }

  lockSync(): this {
    if (this.tryLock() !== undefined) return this
    while (Atomics.exchange(this.#word, 0, WAITED_FOR) !== FREE) Atomics.wait(this.#word, 0, WAITED_FOR)
    return this
  }

  release(): void {
    if (Atomics.exchange(this.#word, 0, FREE) === WAITED_FOR) Atomics.notify(this.#word, 0, 1)
  }
}

const FREE = 0
const LOCKED = 1
const WAITED_FOR = 2
