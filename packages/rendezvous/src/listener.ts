import {
  type BaseChannel,
  BaseListener,
  type ListenOptions,
  observer,
  type PeerInfo,
  StraitError,
  throwIfAborted,
} from '@strait/core'
import { claimPath } from '@strait/core/node'
import { check, isAgain, kernelError, type Native, native, peerCredentials, Readiness } from '@strait/posix'
import { placeOf } from './address.js'
import { type MeetOptions, ownUid } from './meet.js'
import { SocketPackets } from './socket-packets.js'

/** The kernel's queue of those whom nobody accepted yet; it allows net.core.somaxconn at most. */
const KERNEL_BACKLOG = 4096

/** Then the event loop gets its turn, and those who were hung up on are closed. */
const ACCEPTS_PER_TURN = 64

/** How long a listener without any descriptor left waits before it looks again, in ms. */
const RECOVERY = 100

const EADDRINUSE = -98
const EMFILE = -24
const ENFILE = -23

/** Makes a channel of a connection to which nothing was said yet; owns the packets, also when it fails. */
export type Welcome<C extends BaseChannel> = (packets: SocketPackets, peer: PeerInfo) => Promise<C>

/**
 * Listens at the meeting place of a `scheme:name`. Whoever is not of this user or root is hung up on. Never more than
 * `backlog` greet or wait at once: a newcomer then takes the place of whoever has been greeting for longest.
 *
 * - Errors: `ADDRESS_IN_USE`, `ADDRESS_INVALID`, `PERMISSION`, `NO_RESOURCES`, `ABORTED`.
 */
export async function listenAt<C extends BaseChannel>(
  url: URL,
  options: ListenOptions & Pick<MeetOptions, 'parameters'>,
  welcome: Welcome<C>,
): Promise<BaseListener<C>> {
  const place = placeOf(url, 'listen', ownUid(), options.parameters)
  throwIfAborted('listen', url, options.signal)
  const system = native('listen')
  const descriptor = check(system.socket(system.SOCK_SEQPACKET), 'listen', url.href)
  const bindTo = (address: Uint8Array) => {
    const bound = system.bind(descriptor, address)
    if (bound === EADDRINUSE) throw inUse(address, url)
    check(bound, 'listen', url.href)
    check(system.listen(descriptor, KERNEL_BACKLOG), 'listen', url.href)
  }
  let release = () => {}
  try {
    if (place.kind === 'abstract') {
      bindTo(place.address)
    } else {
      const claim = await claimPath(place.path, url, 0o600, async (path) =>
        bindTo(new TextEncoder().encode(path)),
      )
      release = claim.release
    }
    throwIfAborted('listen', url, options.signal)
    return new RendezvousListener(descriptor, url, options, welcome, release)
  } catch (error) {
    system.close(descriptor)
    release()
    throw error
  }
}

/** A name in use, and by whom if not by us: anybody can take any abstract name. */
function inUse(address: Uint8Array, url: URL): StraitError {
  const system = native('listen')
  const probe = system.socket(system.SOCK_SEQPACKET)
  let holder = 'somebody listens here already'
  if (system.connect(probe, address) >= 0) {
    const { uid } = peerCredentials(probe, url.href)!
    if (uid !== ownUid()) holder = `user ${uid} holds this name`
  }
  system.close(probe)
  return new StraitError('ADDRESS_IN_USE', holder, { operation: 'listen', url })
}

class RendezvousListener<C extends BaseChannel> extends BaseListener<C> {
  readonly #native: Native = native()
  readonly #descriptor: number
  readonly #readiness: Readiness
  readonly #backlog: number
  readonly #welcome: Welcome<C>
  readonly #greeting = new Set<SocketPackets>()
  /** Given up for a moment where there are no descriptors left, so that who connects is told instead of kept. */
  #reserve: number
  #recovery: NodeJS.Timeout | undefined
  #closed = false

  constructor(
    descriptor: number,
    url: URL,
    { backlog = 1024 }: ListenOptions,
    welcome: Welcome<C>,
    release: () => void,
  ) {
    super(url, {
      close: async () => {
        this.#closed = true
        clearTimeout(this.#recovery)
        this.#readiness.close()
        this.#native.close(descriptor)
        if (this.#reserve >= 0) this.#native.close(this.#reserve)
        release()
        for (const packets of this.#greeting) packets.hangUp()
      },
      ref: () => this.#readiness.ref(),
      unref: () => this.#readiness.unref(),
    })
    this.#descriptor = descriptor
    this.#backlog = backlog
    this.#welcome = welcome
    this.#readiness = new Readiness(descriptor, () => this.#acceptAll())
    this.#reserve = this.#native.duplicate(descriptor)
    if (this.#reserve < 0) this.#readiness.close()
    check(this.#reserve, 'listen', url.href)
    this.#readiness.watch(this.#native.UV_READABLE)
    this.#readiness.ref()
  }

  #acceptAll(): void {
    for (let count = 0; count < ACCEPTS_PER_TURN && !this.#closed; count++) {
      const descriptor = this.#native.accept(this.#descriptor)
      if (descriptor < 0) {
        if (descriptor === EMFILE || descriptor === ENFILE) this.#turnAway(descriptor)
        else if (!isAgain(descriptor)) this.#recover()
        return
      }
      this.#admit(descriptor)
    }
  }

  /** Accepts with the descriptor held in reserve, only to hang up. */
  #turnAway(result: number): void {
    this.#native.close(this.#reserve)
    const descriptor = this.#native.accept(this.#descriptor)
    if (descriptor >= 0) this.#native.close(descriptor)
    this.#reserve = this.#native.duplicate(this.#descriptor)
    // accept4(2) fails for want of a descriptor before it looks whether anybody waits.
    if (isAgain(descriptor)) return
    if (descriptor < 0 || this.#reserve < 0) this.#recover()
    this.#refuse(kernelError(result, 'listen', this.url.href))
  }

  /** Whoever waits in the kernel's queue is ready for ever: without a pause that would be a busy loop. */
  #recover(): void {
    this.#readiness.watch(0)
    this.#recovery = setTimeout(() => {
      if (this.#reserve < 0) this.#reserve = this.#native.duplicate(this.#descriptor)
      if (this.#reserve < 0) this.#recover()
      else this.#readiness.watch(this.#native.UV_READABLE)
    }, RECOVERY)
    this.#recovery.unref()
  }

  #admit(descriptor: number): void {
    const peer = peerCredentials(descriptor, this.url.href)!
    if (![ownUid(), 0].includes(peer.uid!)) {
      this.#native.close(descriptor)
      const reason = `user ${peer.uid} has no business here`
      this.#refuse(new StraitError('PERMISSION', reason, { operation: 'listen', url: this.url }))
      return
    }
    let packets: SocketPackets
    try {
      packets = new SocketPackets(descriptor, this.url)
    } catch (error) {
      this.#refuse(error as StraitError)
      return
    }
    this.#greeting.add(packets)
    if (this.#greeting.size + this.waiting > this.#backlog) {
      const [oldest = packets] = this.#greeting
      this.#greeting.delete(oldest)
      oldest.hangUp()
      const reason = `the backlog of ${this.#backlog} is full`
      this.#refuse(new StraitError('NO_RESOURCES', reason, { operation: 'listen', url: this.url }))
    }
    this.#welcome(packets, peer).then(
      (channel) => {
        // Otherwise it had to make room just now.
        if (this.#greeting.delete(packets)) this.offer(channel)
        else channel.abort()
      },
      (error: StraitError) => {
        if (this.#greeting.delete(packets)) this.#refuse(error)
      },
    )
  }

  #refuse(error: StraitError): void {
    observer.peerRefused?.(this.url, error)
  }
}
