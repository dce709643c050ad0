import { constants } from 'node:fs'
import { type Kind, StraitError } from '@strait/core'
import { check, kernelError, type Meanings, native, Readiness } from '@strait/posix'
import { HeldRecord, type Mailboxes } from '@strait/rendezvous'

const {
  O_ACCMODE = 3,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} = constants as typeof constants & {
  O_ACCMODE?: number
}

const system = native('load')

/** Packets that a queue holds. */
const PACKETS = 8

/** Of a packet with its kind, in bytes. What a queue may hold counts against the user's limit from the beginning. */
const PACKET_SIZE = 1024

const CREATING: Meanings = {
  EMFILE: [
    'NO_RESOURCES',
    "this user's queues are too large together; `ulimit -q` shows how many bytes they may hold, `ulimit -n` how many may be open",
  ],
  ENOSPC: ['NO_RESOURCES', 'there are too many queues; `sysctl fs.mqueue.queues_max` shows how many'],
  EINVAL: [
    'NO_RESOURCES',
    `${PACKETS} messages of ${PACKET_SIZE} bytes are more than a queue may hold; \`sysctl fs.mqueue.msg_max fs.mqueue.msgsize_max\` shows how many`,
  ],
  ENOSYS: ['NOT_SUPPORTED', 'this kernel has no POSIX message queues'],
}

/** One end of two queues: what comes in, and what goes out. */
export interface Ends {
  readonly reader: number
  readonly writer: number
}

export function closeEnds({ reader, writer }: Ends): void {
  system.close(reader)
  system.close(writer)
}

/**
 * Two queues, one for each direction, with both ends of each open and without a name any more. A queue must have had
 * one: the record knows it for that moment.
 *
 * - Errors: `NO_RESOURCES` with the limit.
 */
export function createQueues(url: URL): { near: Ends; far: Ends } {
  const record = HeldRecord.create('listen')
  const opened: number[] = []
  const open = (name: string, flags: number) => {
    const descriptor = system.mqOpen(name, flags | O_NONBLOCK, 0o600, PACKETS, PACKET_SIZE)
    opened.push(check(descriptor, 'listen', url.href, CREATING))
    return descriptor
  }
  const create = (direction: string) => {
    const name = `/strait-${record.name}-${direction}`
    record.add({ kind: 'mq', name })
    const reader = open(name, O_RDONLY | O_CREAT | O_EXCL)
    try {
      return { reader, writer: open(name, O_WRONLY) }
    } finally {
      system.mqUnlink(name)
    }
  }
  try {
    const there = create('there')
    const back = create('back')
    return {
      near: { reader: back.reader, writer: there.writer },
      far: { reader: there.reader, writer: back.writer },
    }
  } catch (error) {
    for (const descriptor of opened) system.close(descriptor)
    throw error
  } finally {
    record.release()
  }
}

/**
 * The ends that a listener passed, opened anew: a passed descriptor shares its flags with whoever passed it, and one
 * that cleared O_NONBLOCK would block our event loop.
 *
 * - Errors: `CORRUPT` they are no ends of queues of ours. What was passed is closed in any case.
 */
export function reopenQueues([passedReader, passedWriter]: readonly number[], url: URL): Ends {
  let reader: number | undefined
  try {
    reader = reopen(passedReader!, O_RDONLY, url)
    return { reader, writer: reopen(passedWriter!, O_WRONLY, url) }
  } catch (error) {
    if (reader !== undefined) system.close(reader)
    throw error
  } finally {
    system.close(passedReader!)
    system.close(passedWriter!)
  }
}

function reopen(passed: number, access: number, url: URL): number {
  const attributes = new Int32Array(3)
  const isQueue = system.mqAttributes(passed, attributes) === 0
  if (!isQueue || attributes[1] !== PACKET_SIZE || (system.statusFlags(passed) & O_ACCMODE) !== access) {
    const what = access === O_RDONLY ? 'reading' : 'writing'
    throw new StraitError('CORRUPT', `the listener passed something else than a queue for ${what}`, {
      operation: 'connect',
      url,
    })
  }
  const descriptor = system.open(`/proc/self/fd/${passed}`, access | O_NONBLOCK, 0)
  if (descriptor < 0) throw kernelError(descriptor, 'connect', url.href)
  return descriptor
}

/** Two POSIX queues; mq_overview(7). On Linux they are descriptors that can be polled. */
export class Queues implements Mailboxes {
  onReady: Mailboxes['onReady'] = () => {}
  readonly longest = PACKET_SIZE
  readonly #reader: number
  readonly #writer: number
  readonly #incoming: Readiness
  #outgoing: Readiness | undefined

  /** Owns the ends, also when this throws. */
  constructor(ends: Ends) {
    this.#reader = ends.reader
    this.#writer = ends.writer
    try {
      this.#incoming = new Readiness(ends.reader, () => this.onReady(true, false))
    } catch (error) {
      closeEnds(ends)
      throw error
    }
  }

  take(target: Uint8Array, offset: number): number {
    return system.mqReceive(this.#reader, target, offset, PACKET_SIZE)
  }

  put(kind: Kind, body: Uint8Array, prefix: Uint8Array | undefined): number {
    return system.mqSendPacket(this.#writer, kind, body, prefix)
  }

  watch(incoming: boolean, outgoing: boolean): void {
    this.#incoming.watch(incoming ? system.UV_READABLE : 0)
    if (!outgoing && this.#outgoing === undefined) return
    this.#outgoing ??= new Readiness(this.#writer, () => this.onReady(false, true))
    this.#outgoing.watch(outgoing ? system.UV_WRITABLE : 0)
  }

  block(incoming: boolean, outgoing: boolean, other: number, ms: number): void {
    const { POLLIN, POLLOUT } = system
    // Two at a time: who waits for both directions looks at the other descriptor when the time is over.
    const first = incoming ? this.#reader : this.#writer
    const second = incoming && outgoing ? this.#writer : other
    const ready = system.pollNow(
      first,
      incoming ? POLLIN : POLLOUT,
      second,
      second === other ? POLLIN : POLLOUT,
      ms,
    )
    const one = (ready & 0xffff) !== 0
    const two = ready >>> 16 !== 0 && second !== other
    if (one || two) this.onReady(one && incoming, (one && !incoming) || two)
  }

  close(): void {
    this.#incoming.close()
    this.#outgoing?.close()
    closeEnds({ reader: this.#reader, writer: this.#writer })
  }
}
