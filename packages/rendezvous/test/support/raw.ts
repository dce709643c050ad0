import { Kind, NO_EVENTS } from '@strait/core'
import { check, native, Readiness } from '@strait/posix'
import { placeOf } from '../../src/address.js'
import { ownUid, SocketPackets } from '../../src/index.js'

const system = native()

export const hello = (bytes: Uint8Array) => Uint8Array.of(Kind.HELLO, ...bytes)

function addressOf(url: URL): Uint8Array {
  const place = placeOf(url, 'connect', ownUid())
  return place.kind === 'abstract' ? place.address : new TextEncoder().encode(place.path)
}

/** An end of a control socket that says by hand whatever it is told to. */
export class RawPeer {
  readonly #descriptor: number
  readonly #packets: SocketPackets
  #over = false

  constructor(descriptor: number, url: URL) {
    this.#descriptor = descriptor
    this.#packets = new SocketPackets(descriptor, url)
    this.#packets.mostDescriptors = 253
  }

  /** Connects at once, or throws. */
  static connect(url: URL): RawPeer {
    const descriptor = check(system.socket(system.SOCK_SEQPACKET), 'connect', url.href)
    const result = system.connect(descriptor, addressOf(url))
    if (result < 0) system.close(descriptor)
    check(result, 'connect', url.href)
    return new RawPeer(descriptor, url)
  }

  /** Sends one packet; false: the other end takes no more, or is gone. */
  send(bytes: Uint8Array, descriptors: readonly number[] = []): boolean {
    const passed = descriptors.length === 0 ? undefined : Int32Array.from(descriptors)
    return system.send(this.#descriptor, bytes, undefined, passed) >= 0
  }

  /** The next packet, or undefined: the other end hung up. */
  receive(): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const look = () => {
        const payload = this.#packets.read()
        if (payload !== undefined) resolve(Uint8Array.of(this.#packets.kind, ...payload))
        else if (this.#over) resolve(undefined)
      }
      const end = () => {
        this.#over = true
        resolve(undefined)
      }
      this.#packets.events = { ...NO_EVENTS, readable: look, end }
      look()
    })
  }

  /** Everything that comes until the other end hangs up. */
  async rest(): Promise<Uint8Array[]> {
    const packets: Uint8Array[] = []
    for (let packet = await this.receive(); packet !== undefined; packet = await this.receive())
      packets.push(packet)
    return packets
  }

  close(): void {
    this.#packets.destroy()
  }
}

/** A listener that accepts, and leaves the talking to the test. */
export class RawListener {
  readonly #descriptor: number
  readonly #readiness: Readiness
  readonly #url: URL
  readonly #accepted: RawPeer[] = []
  readonly #waiting: ((peer: RawPeer) => void)[] = []

  constructor(url: URL, { backlog = 128, type = system.SOCK_SEQPACKET } = {}) {
    this.#url = url
    this.#descriptor = check(system.socket(type), 'listen', url.href)
    check(system.bind(this.#descriptor, addressOf(url)), 'listen', url.href)
    check(system.listen(this.#descriptor, backlog), 'listen', url.href)
    this.#readiness = new Readiness(this.#descriptor, () => this.#accept())
  }

  accept(): Promise<RawPeer> {
    this.#readiness.watch(system.UV_READABLE)
    const peer = this.#accepted.shift()
    if (peer !== undefined) return Promise.resolve(peer)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #accept(): void {
    const descriptor = system.accept(this.#descriptor)
    if (descriptor < 0) return
    const peer = new RawPeer(descriptor, this.#url)
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#accepted.push(peer)
    else waiting(peer)
  }

  close(): void {
    this.#readiness.close()
    system.close(this.#descriptor)
    for (const peer of this.#accepted) peer.close()
  }
}
