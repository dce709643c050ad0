import { Dealer, type Router } from 'zeromq'
import { NUDGE } from './sockets.js'

/** How long an unreffed socket keeps the process alive, in ms, before it lets go to see whether anything else does. */
const HOLD = 100

let nudges = 0

/**
 * Reads a socket for as long as it is open, with a `receive` that is always pending, which keeps the process alive:
 * `zeromq` has no `unref`. So an unreffed socket stops receiving every now and then, for a moment that only passes when
 * something else keeps the process alive; if nothing does, the process ends there.
 */
export class Reading {
  readonly #socket: Dealer | Router
  readonly #onFrames: (frames: Buffer[]) => void
  readonly #nudge: () => Promise<void>
  readonly #holders = new Set<object>()
  #reffed = true
  #resume: (() => void) | undefined

  /** `nudge` sends something that no peer ever sees, or that means nothing to it. */
  constructor(socket: Dealer | Router, onFrames: (frames: Buffer[]) => void, nudge: () => Promise<void>) {
    this.#socket = socket
    this.#onFrames = onFrames
    this.#nudge = nudge
    void this.#run()
  }

  async #run(): Promise<void> {
    const socket = this.#socket
    while (!socket.closed) {
      let frames: Buffer[] | undefined
      try {
        frames = await socket.receive()
      } catch {
        // Closed, or nothing came in time.
      }
      if (frames !== undefined) this.#onFrames(frames)
      else if (!socket.closed && !this.#reffed) await this.#letGo()
    }
  }

  #letGo(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1).unref()
      this.#resume = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Keeps the process alive for the sake of `holder`. */
  ref(holder: object): void {
    this.#holders.add(holder)
    this.#update()
  }

  /** Keeps the process alive no more, unless another holder wants it. */
  unref(holder: object): void {
    this.#holders.delete(holder)
    this.#update()
  }

  #update(): void {
    const reffed = this.#holders.size > 0
    if (reffed === this.#reffed || this.#socket.closed) return
    this.#reffed = reffed
    this.#resume?.()
    this.#socket.receiveTimeout = reffed ? -1 : HOLD
    if (!reffed) this.#interrupt()
  }

  /** Makes the pending `receive` return, so that the next one knows how long it may take. */
  #interrupt(): void {
    const name = `inproc://strait.nudge.${process.pid}.${nudges++}`
    let nudger: Dealer
    try {
      nudger = new Dealer({ linger: 0 })
    } catch {
      // No socket is left. Then the next message does it.
      return
    }
    nudger.bindSync(name)
    this.#socket.connect(name)
    nudger.send(NUDGE).catch(() => {})
    // After a send `zeromq` looks at once for what has arrived.
    this.#nudge().catch(() => {})
    this.#socket.disconnect(name)
    nudger.close()
  }
}
