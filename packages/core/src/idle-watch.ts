/** What the watch needs to know of its link, and does with it. */
export interface Watched {
  /** Our program has read everything that has come; only then does silence mean anything. */
  listening(): boolean
  ping(): void
  giveUp(reason: string): void
}

/** Asks a peer that has been silent for a whole idle time for a sign, and gives up when it stays silent as long. */
export class IdleWatch {
  readonly #watched: Watched
  #heard = true
  #pinged = false
  readonly #timer: ReturnType<typeof setInterval> | undefined

  /** `idleTimeout` in ms; undefined: watches nothing. */
  constructor(idleTimeout: number | undefined, watched: Watched) {
    this.#watched = watched
    if (idleTimeout === undefined) return
    this.#timer = setInterval(() => this.#onIdle(idleTimeout), idleTimeout)
    if (typeof this.#timer === 'object') this.#timer.unref()
  }

  /** The peer gave a sign. */
  heard(): void {
    this.#heard = true
  }

  #onIdle(idleTimeout: number): void {
    if (this.#heard || !this.#watched.listening()) {
      this.#heard = false
      this.#pinged = false
    } else if (this.#pinged) {
      this.#watched.giveUp(`the peer has been silent for ${2 * idleTimeout} ms`)
    } else {
      this.#pinged = true
      this.#watched.ping()
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
