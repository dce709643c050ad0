import {
  BaseChannel,
  BaseListener,
  type Capabilities,
  credited,
  type ListenOptions,
  observer,
  StraitError,
} from '@strait/core'
import type { AcceptedPort, Hub } from './hub.js'

/**
 * Greets the peers of a hub and offers the channels. Never more than `backlog` greet or wait at once: a newcomer then
 * takes the place of whoever has been greeting for longest.
 */
export class ZmqListener extends BaseListener<BaseChannel> {
  readonly #greeting = new Set<AcceptedPort>()
  readonly #capabilities: Capabilities
  readonly #options: ListenOptions

  /** `release` gives the name back. */
  constructor(
    hub: Hub,
    url: URL,
    capabilities: Capabilities,
    { signal: _, ...options }: ListenOptions,
    release: () => void,
  ) {
    super(url, {
      close: async () => {
        for (const port of this.#greeting) this.#drop(port)
        release()
        await hub.retire()
      },
      ref: () => hub.ref(hub),
      unref: () => hub.unref(hub),
    })
    this.#capabilities = capabilities
    this.#options = options
    hub.open((port) => this.#admit(port))
  }

  #admit(port: AcceptedPort): void {
    const { backlog = 1024 } = this.#options
    port.admittedAt(this.url)
    this.#greeting.add(port)
    if (this.#greeting.size + this.waiting > backlog) {
      const [oldest = port] = this.#greeting
      this.#drop(oldest)
      const reason = `the backlog of ${backlog} is full`
      this.#refuse(new StraitError('NO_RESOURCES', reason, { operation: 'listen', url: this.url }))
      if (oldest === port) return
    }
    void this.#greet(port)
  }

  async #greet(port: AcceptedPort): Promise<void> {
    const { url } = this
    try {
      const link = await credited(port, 'listen', url, this.#options)
      this.offer(new BaseChannel(link, { url, capabilities: this.#capabilities }))
    } catch (error) {
      if (this.#greeting.has(port)) this.#refuse(error as StraitError)
    } finally {
      this.#greeting.delete(port)
    }
  }

  #drop(port: AcceptedPort): void {
    this.#greeting.delete(port)
    port.destroy()
    port.events.end()
  }

  #refuse(error: StraitError): void {
    observer.peerRefused?.(this.url, error)
  }
}
