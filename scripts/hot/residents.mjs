// What else lives in the process of a hot channel: a timer of 1 ms, and an HTTP server that another process asks.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { Histogram } from '../../packages/bench/dist/index.js'

const ASKER = fileURLToPath(new URL('./asker.mjs', import.meta.url))

export class Residents {
  static async start() {
    const server = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const asker = fork(ASKER, [String(server.address().port)], { execArgv: [] })
    await once(asker, 'message')
    return new Residents(server, asker)
  }

  #server
  #asker
  #exited
  #gaps = new Map()

  constructor(server, asker) {
    this.#server = server
    this.#asker = asker
    this.#exited = once(asker, 'exit')
  }

  /** Of who asks. */
  get pid() {
    return this.#asker.pid
  }

  /** Watches both for so many ms, and writes it down for `what`. */
  async watch(what, ms) {
    if (!this.#gaps.has(what)) this.#gaps.set(what, new Histogram())
    const gaps = this.#gaps.get(what)
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      gaps.record((now - last) * 1e6)
      last = now
    }, 1)
    await this.#tell({ what, ms })
    clearInterval(timer)
  }

  /** By what it was written down for: the timer's gaps from tick to tick, and how long answers took; in ns. */
  async results() {
    const answers = await this.#tell({})
    return new Map(
      [...this.#gaps].map(([what, gaps]) => [
        what,
        { timer: { count: gaps.count, ...gaps.quantiles() }, http: answers[what] },
      ]),
    )
  }

  async #tell(order) {
    this.#asker.send(order)
    const [answer] = await Promise.race([
      once(this.#asker, 'message'),
      this.#exited.then(() => {
        throw new Error('who asks the HTTP server has ended')
      }),
    ])
    return answer
  }

  async close() {
    this.#asker.disconnect()
    await this.#exited
    this.#server.close()
    await once(this.#server, 'close')
  }
}
