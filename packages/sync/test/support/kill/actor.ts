import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Native } from '@strait/posix'
import type * as sync from '../../../src/index.js'
import { within } from './guard.js'

/** What a function that an actor runs finds in its process; world.mjs. */
export interface World {
  readonly sync: typeof sync
  readonly native: Native
  // biome-ignore lint/suspicious/noExplicitAny: whatever one function leaves for the next
  readonly kept: Record<string, any>
  readonly region: sync.Region
  readonly mutex: sync.Mutex
  readonly semaphore: sync.Semaphore
  readonly event: sync.Event
  readonly condition: sync.Condition
  readonly barrier: sync.Barrier
  readonly rwlock: sync.RWLock
  enter(name: string): void
  section(): Promise<boolean>
  writing(): Promise<boolean>
  block(until: () => boolean): void
  startThread(region: string, source: string): Promise<void>
  hammer(ledger: string, row: number, seed: number): Promise<void>
  /** 0, or where the region is not as it should be. */
  check(): number
}

export interface ActorOptions {
  /** A command that runs the process, as `taskset -c 0`. */
  readonly wrapper?: readonly string[]
}

// From the beginning, so that none comes between a look and the wait for the next.
process.on('SIGCHLD', () => {})

const PROGRAM = fileURLToPath(new URL('actor.mjs', import.meta.url))

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly code?: string
  readonly error?: string
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** What was thrown in an actor; `code` is that of a StraitError. */
export class ActorError extends Error {
  readonly code: string | undefined

  constructor({ error, code }: Answer) {
    super(error)
    this.code = code
  }
}

/** A process of its own, in which functions run. */
export class Actor {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  #last = 0
  #over = false

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if (answer.error === undefined) waiting?.resolve(answer.value)
      else waiting?.reject(new ActorError(answer))
    })
    this.ended = once(child, 'exit').then(([code, signal]) => {
      this.#over = true
      for (const { reject } of this.#waiting.values()) reject(new Error(`process ${this.pid} has ended`))
      return { code, signal }
    })
  }

  static async start({ wrapper = [] }: ActorOptions = {}): Promise<Actor> {
    const [execPath = process.execPath, ...rest] = [...wrapper, process.execPath]
    const actor = new Actor(fork(PROGRAM, { execPath, execArgv: rest }))
    await within(
      'an actor starts',
      new Promise((resolve, reject) => actor.#waiting.set(0, { resolve, reject })),
    )
    return actor
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over
  }

  get pid(): number {
    return this.#child.pid!
  }

  /**
   * Runs a function in the process, which sees nothing but what it is given. Rejects with what it throws, when the
   * process ends before, and when it hangs.
   */
  run<A extends unknown[], R>(work: (world: World, ...args: A) => R | Promise<R>, ...args: A): Promise<R> {
    const outcome = within(`process ${this.pid}: ${work}`, this.runLong(work, ...args))
    // When the test has failed before it came to look at this one.
    outcome.catch(() => {})
    return outcome
  }

  /** The same, for however long it takes. */
  runLong<A extends unknown[], R>(
    work: (world: World, ...args: A) => R | Promise<R>,
    ...args: A
  ): Promise<R> {
    const id = ++this.#last
    const outcome = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    outcome.catch(() => {})
    if (this.#over) this.#waiting.get(id)!.reject(new Error(`process ${this.pid} has ended`))
    else this.#child.send({ id, source: String(work), args }, () => {})
    return outcome as Promise<R>
  }

  /** Whether all of its threads are stopped, by a signal. */
  get stopped(): boolean {
    return !this.#over && /\) T/.test(readFileSync(`/proc/${this.pid}/stat`, 'utf8'))
  }

  /** Whether its main thread sleeps. */
  get sleeps(): boolean {
    return !this.#over && /\) S/.test(readFileSync(`/proc/${this.pid}/stat`, 'utf8'))
  }

  /** Until it is stopped, or has ended. */
  async stop(): Promise<void> {
    const news = new AbortController()
    try {
      while (!this.#over && !this.stopped) {
        // A child that stops is told as one that ends is.
        await Promise.race([once(process, 'SIGCHLD', { signal: news.signal }), this.ended])
      }
    } finally {
      news.abort()
    }
  }

  freeze(): Promise<void> {
    this.#child.kill('SIGSTOP')
    return within(`process ${this.pid} stops`, this.stop())
  }

  continue(): void {
    this.#child.kill('SIGCONT')
  }

  /** SIGKILL, and until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await within(`process ${this.pid} ends`, this.ended)
  }
}
