import { readdirSync } from 'node:fs'
import { native, SharedMemory } from '@strait/posix'

// A look into a region from outside, as packages/posix/native/region.h draws it, in words of 4 bytes.

const MONITOR = 16
const MONITOR_WAITERS = 0x8000_0000
const LIFE = 0
const SLOT_PID = 3
const [WORD, TYPE, A, , , , BROKEN] = [0, 1, 2, 3, 4, 5, 6] as const
const NAME = 48
const OWNER = 0xffff
const DIED = 1 << 18
const [STATE, OBJECT, SLOT] = [0, 1, 2] as const
const QUEUED = 1

/** What a process has of a region that it is about to leave without a word. */
export interface Belongings {
  readonly mutex: boolean
  readonly write: boolean
  /** Whether it has been at the barrier. */
  readonly barrier: boolean
}

/** The file of a region that has a name. */
export const regionFile = (name: string): string => `strait.lock.${process.geteuid!()}.${name}`

/** What stands in /dev/shm of these regions. */
export const leftovers = (prefix: string): string[] =>
  readdirSync('/dev/shm').filter((file) => file.startsWith(regionFile(prefix)))

export class RegionView implements Disposable {
  readonly #memory: SharedMemory
  readonly #words: Uint32Array
  readonly #layout: Int32Array

  constructor(name: string) {
    this.#memory = SharedMemory.open(regionFile(name))
    this.#words = this.#memory.view(Uint32Array)
    this.#layout = new Int32Array(11)
    native().syncLayout(this.#layout)
  }

  /** The table's entry, as the index of its first word. */
  #at(table: 'slots' | 'objects' | 'waiters', index: number): number {
    const at = { slots: 1, objects: 4, waiters: 7 }[table]
    return (this.#layout[at]! + index * this.#layout[at + 1]!) / 4
  }

  #count(table: 'slots' | 'objects' | 'waiters'): number {
    return this.#layout[{ slots: 3, objects: 6, waiters: 9 }[table]]!
  }

  #word(index: number): number {
    return Atomics.load(this.#words, index)
  }

  /** Whether somebody waits for the monitor, or has. */
  get monitorAwaited(): boolean {
    return (this.#word(MONITOR) & MONITOR_WAITERS) !== 0
  }

  /** The pids of the environments that are attached, the dead ones too, until they have been reaped. */
  get attached(): number[] {
    const pids: number[] = []
    for (let slot = 1; slot < this.#count('slots'); slot++) {
      const at = this.#at('slots', slot)
      if (this.#word(at + LIFE) !== 0) pids.push(this.#word(at + SLOT_PID))
    }
    return pids
  }

  /** Its slot, also when it is dead and nobody has noticed; 0: it has none. */
  #slotOf(pid: number): number {
    for (let slot = 1; slot < this.#count('slots'); slot++) {
      const at = this.#at('slots', slot)
      if (this.#word(at + LIFE) !== 0 && this.#word(at + SLOT_PID) === pid) return slot
    }
    return 0
  }

  #object(name: string): number {
    const bytes = new TextEncoder().encode(`${name}\0`)
    for (let index = 1; index < this.#count('objects'); index++) {
      const at = this.#at('objects', index)
      if (this.#word(at + TYPE) === 0) continue
      if (Buffer.from(this.#memory.read(4 * at + NAME, bytes.length)).equals(bytes)) return index
    }
    throw new Error(`there is no ${name}`)
  }

  #ofObject(name: string, field: number): number {
    return this.#word(this.#at('objects', this.#object(name)) + field)
  }

  #holds(name: string, slot: number): number {
    const slots = this.#count('slots')
    return this.#word(this.#layout[10]! / 4 + this.#object(name) * slots + slot)
  }

  belongings(pid: number): Belongings {
    const slot = this.#slotOf(pid)
    const owns = (name: string) => slot !== 0 && (this.#ofObject(name, WORD) & OWNER) === slot
    return {
      mutex: owns('mutex'),
      write: owns('rwlock'),
      barrier: slot !== 0 && this.#holds('barrier', slot) > 0,
    }
  }

  /** Whether a death has not been told yet, or whoever was told has not mended anything. */
  tells(name: 'mutex' | 'rwlock'): boolean {
    return (this.#ofObject(name, WORD) & DIED) !== 0
  }

  /** Permits in all. */
  get permits(): number {
    return this.#ofObject('semaphore', A)
  }

  /** Whether the event has been set, though it may have been cleared since. */
  get wasSet(): boolean {
    return this.#ofObject('event', WORD) >> 1 > 0
  }

  /** So often the barrier has opened. */
  get generation(): number {
    return this.#ofObject('barrier', WORD)
  }

  get broken(): boolean {
    return this.#ofObject('barrier', BROKEN) !== 0
  }

  /** How many wait for it, of one process or of all. */
  waiting(name: string, pid?: number): number {
    const object = this.#object(name)
    const slot = pid === undefined ? undefined : this.#slotOf(pid)
    let count = 0
    for (let index = 1; index < this.#count('waiters'); index++) {
      const at = this.#at('waiters', index)
      if (this.#word(at + STATE) !== QUEUED || this.#word(at + OBJECT) !== object) continue
      if (slot === undefined || this.#word(at + SLOT) === slot) count++
    }
    return count
  }

  /** Everything that is not empty, for whoever asks what hangs: words of the slots, of the objects, of the waiters. */
  picture(): string {
    const words = (at: number, count: number) =>
      Array.from({ length: count }, (_, index) => this.#word(at + index).toString(16)).join(' ')
    const lines = [`monitor ${words(MONITOR, 1)}`]
    for (const table of ['slots', 'objects', 'waiters'] as const) {
      for (let index = 1; index < this.#count(table); index++) {
        const at = this.#at(table, index)
        const [first, second] = [this.#word(at), this.#word(at + TYPE)]
        if (first === 0 && (table !== 'objects' || second === 0)) continue
        lines.push(`${table} ${index}: ${words(at, table === 'objects' ? 12 : 16)}`)
      }
    }
    return lines.join('\n')
  }

  [Symbol.dispose](): void {
    this.#memory.close()
  }
}
