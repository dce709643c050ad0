import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { StraitError } from '@strait/core'
import { check, type Meanings, native } from '@strait/posix'
import { HeldRecord } from '@strait/rendezvous'

const system = native('load')

/** Of a packet with its kind, in bytes: a queue holds 8 of them by the kernel's default, `kernel.msgmnb`. */
export const PACKET_SIZE = 2048

const ENOENT = -2

const CREATING: Meanings = {
  ENOSPC: [
    'NO_RESOURCES',
    'there are too many queues; `sysctl kernel.msgmni` shows how many there may be, `ipcs -q` which there are',
  ],
  ENOSYS: ['NOT_SUPPORTED', 'this kernel has no System V message queues'],
}

/** What msgctl(2) says of a queue that concerns us. */
interface State {
  readonly owner: number
  readonly maker: number
  readonly messages: number
  readonly maxBytes: number
}

/** undefined: there is no such queue, or none that we may look at. */
function stateOf(queue: number): State | undefined {
  const state = new Int32Array(9)
  if (system.msgState(queue, state) < 0) return undefined
  const [, , owner = 0, maker = 0, messages = 0, , maxBytes = 0] = state
  return { owner: owner >>> 0, maker: maker >>> 0, messages, maxBytes }
}

/** One end of two queues, one for each direction, with the record that answers for them. */
export class Ends {
  readonly incoming: number
  readonly outgoing: number
  readonly record: HeldRecord

  constructor(incoming: number, outgoing: number, record: HeldRecord) {
    this.incoming = incoming
    this.outgoing = outgoing
    this.record = record
  }

  /**
   * Removes what comes in, for nobody will read it; that is also how the other end learns that it sends for nothing. What
   * went out stays until the other end has read it, or is gone itself.
   */
  close(): void {
    system.msgRemove(this.incoming)
    const unread = stateOf(this.outgoing)?.messages ?? 0
    if (unread === 0 || this.record.isLast()) this.#removeRest()
    else this.record.whenLast(() => this.#removeRest())
  }

  #removeRest(): void {
    system.msgRemove(this.outgoing)
    this.record.release()
  }
}

/**
 * Makes two queues. Their names are keys that nobody else has, and nobody needs but the sweep.
 *
 * - Errors: `NO_RESOURCES` with the limit.
 */
export function createQueues(url: URL): Ends {
  checkLimits(url)
  const record = HeldRecord.create('listen')
  const made: number[] = []
  try {
    const [incoming, outgoing] = [createQueue(record, made, url), createQueue(record, made, url)]
    record.share()
    return new Ends(incoming, outgoing, record)
  } catch (error) {
    for (const queue of made) system.msgRemove(queue)
    record.release()
    throw error
  }
}

/** Of a packet that could never be sent, the kernel says no more than that something is wrong. */
function checkLimits(url: URL): void {
  for (const limit of ['msgmax', 'msgmnb']) {
    const bytes = readLimit(limit)
    if (bytes >= PACKET_SIZE) continue
    const reason = `${PACKET_SIZE} bytes do not fit; \`sysctl kernel.${limit}\` shows that ${bytes} may`
    throw new StraitError('NO_RESOURCES', reason, { operation: 'listen', url })
  }
}

/** Where there is no such setting, there is no System V, and msgget(2) will say so. */
function readLimit(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8'))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function createQueue(record: HeldRecord, made: number[], url: URL): number {
  const { IPC_CREAT, IPC_EXCL } = system
  let key: number
  // What somebody else has must not come into the record: the sweep would remove it, if it is this user's.
  do key = randomInt(1, 2 ** 31)
  while (system.msgGet(key, 0, 0) !== ENOENT)
  record.add({ kind: 'sysv-mq', name: `0x${key.toString(16).padStart(8, '0')}` })
  const queue = check(system.msgGet(key, IPC_CREAT | IPC_EXCL, 0o600), 'listen', url.href, CREATING)
  made.push(queue)
  return queue
}

// The parameters of a connection: the numbers of the queue that comes in at the connecting end and of the one that goes
// out, int32 little-endian each, and the 12 bytes that name the record.
//
//   0            4            8                         20
//   | incoming   | outgoing   | record                  |
const PARAMETERS_SIZE = 20

/** What the other end needs to know of them. */
export function parametersOf({ incoming, outgoing, record }: Ends): Uint8Array {
  const parameters = Buffer.alloc(PARAMETERS_SIZE)
  parameters.writeInt32LE(outgoing, 0)
  parameters.writeInt32LE(incoming, 4)
  parameters.write(record.name, 8, 'hex')
  return parameters
}

/**
 * The other end of what a listener of that user has made; `passed`, its record, stays the caller's.
 *
 * - Errors: `CORRUPT` they are no queues of that user, or no record; `RESET` the listener is gone.
 */
export function adoptQueues(parameters: Uint8Array, passed: number, owner: number, url: URL): Ends {
  const corrupt = (what: string) =>
    new StraitError('CORRUPT', `the listener named ${what}`, { operation: 'connect', url })
  if (parameters.length !== PARAMETERS_SIZE) throw corrupt('no queues')
  const bytes = Buffer.from(parameters)
  const [incoming, outgoing] = [bytes.readInt32LE(0), bytes.readInt32LE(4)]
  const record = HeldRecord.adopt(passed, bytes.toString('hex', 8), { owner, url })
  try {
    if (incoming === outgoing) throw corrupt('the same queue for both directions')
    // They will be removed, and root may remove anybody's.
    for (const queue of [incoming, outgoing]) {
      const state = stateOf(queue)
      if (state?.owner !== owner || state.maker !== owner || state.maxBytes < PACKET_SIZE)
        throw corrupt('something else than queues of its own')
    }
    return new Ends(incoming, outgoing, record)
  } catch (error) {
    record.leave()
    throw error
  }
}
