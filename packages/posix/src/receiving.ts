import { StraitError } from '@strait/core'
import { isAgain, native } from './native.js'
import { ReceivedDescriptor } from './received-descriptor.js'
import { scratch } from './scratch.js'
import { decodeAddress } from './unix-address.js'
import type { UnixKind } from './unix-calls.js'
import type { Received } from './unix-socket.js'

const POLLRDHUP = 0x2000

const info = new Int32Array(3)
const arriving = new Int32Array(253)
const sender = new Uint8Array(108)

/**
 * One recvmsg(2): what came, or the end, or undefined, nothing now, or a negated error number.
 *
 * - Errors: `TOO_LARGE` a message that is longer; its descriptors are closed.
 */
export function receiveMessage(
  descriptor: number,
  name: string,
  kind: UnixKind,
  maxLength: number,
  maxDescriptors: number,
): Received | 'end' | number | undefined {
  const system = native()
  const target = scratch(maxLength)
  const accepted = arriving.subarray(0, maxDescriptors)
  const from = kind === 'datagram' ? sender : undefined
  const count = system.receive(descriptor, target, 0, maxLength, info, accepted, from)
  if (isAgain(count)) return undefined
  if (count < 0) return count
  const [flags = 0, came = 0, addressLength = 0] = info
  const descriptors = Array.from(accepted.subarray(0, came), (each) => new ReceivedDescriptor(each))
  if ((flags & system.MSG_TRUNC) !== 0) {
    for (const each of descriptors) each.close()
    const reason = `a message of more than ${maxLength} bytes came and is lost; \`maxLength\` allows longer ones`
    throw new StraitError('TOO_LARGE', reason, { operation: 'receive', url: name })
  }
  if (count === 0 && isEnd(descriptor, kind)) return 'end'
  // What this process may not have open, the kernel did not even count.
  const uncounted = (flags & system.MSG_CTRUNC) !== 0 ? 1 : 0
  return {
    bytes: target.slice(0, count),
    descriptors,
    refused: came - descriptors.length + uncounted,
    from: from === undefined ? undefined : decodeAddress(from.subarray(0, addressLength)),
  }
}

/** Nothing is the end of a stream, a message of datagrams, and with seqpacket either: then a hang-up is the end. */
function isEnd(descriptor: number, kind: UnixKind): boolean {
  if (kind !== 'seqpacket') return kind === 'stream'
  return (native().pollNow(descriptor, POLLRDHUP, -1, 0, 0) & POLLRDHUP) !== 0
}
