import { openSync } from 'node:fs'
import { Kind } from '@strait/core'
import { native } from '@strait/posix'
import { until } from './ends.js'
import { longestRecord, PADDING, type RawEnd } from './raw.js'

/** What a peer does, and the code that the other end then ends with: CORRUPT, unless another one is named. */
export type Attack = readonly [attack: (peer: RawEnd) => void | Promise<void>, code?: string]

const NOTHING = new Uint8Array(0)
const bytes = (length: number) => new Uint8Array(length)

/** The first part of a message of so many bytes. */
const first = (announced: number, part: number) => {
  const payload = bytes(4 + part)
  new DataView(payload.buffer).setUint32(0, announced, true)
  return payload
}

/** A record that says that it has so many bytes. */
const pretend = (length: number, kind: number = Kind.DATA) => {
  return (peer: RawEnd) => peer.record(peer.position, kind, NOTHING, length + 1)
}

const send = (...records: (readonly [kind: number, payload: Uint8Array])[]) => {
  return (peer: RawEnd) => {
    for (const [kind, payload] of records) peer.send(kind, payload)
  }
}

/** What a reader finds. All but the last record of each may be. */
export const RECORDS: Record<string, Attack> = {
  'a record longer than any may be': [(peer) => pretend(longestRecord(peer.capacity) + 1)(peer)],
  'a record longer than the ring': [(peer) => pretend(peer.capacity)(peer)],
  'the longest length that can be written': [pretend(2 ** 32 - 2)],
  'a record that reaches beyond the end': [
    async (peer) => {
      await peer.sendUntilEnd(64)
      pretend(64 - 8 + 1)(peer)
    },
  ],
  'padding that ends before the end': [(peer) => pretend(peer.capacity - peer.position - 16, PADDING)(peer)],
  'padding that ends behind the end': [(peer) => pretend(peer.capacity - peer.position, PADDING)(peer)],
  'padding with nothing in it': [pretend(0, PADDING)],
  'padding behind padding': [
    async (peer) => {
      await until(() => peer.readerSleeps)
      peer.record(peer.capacity, PADDING, NOTHING, peer.capacity - 8 + 1)
      pretend(peer.capacity - peer.position - 8, PADDING)(peer)
    },
  ],
  ...Object.fromEntries(
    [Kind.CREDIT, Kind.HELLO, 8, 15, 16, 256, 2 ** 31, PADDING - 1].flatMap((kind) => [
      [`a record of kind ${kind}`, [send([kind, NOTHING])]],
      [`a record of kind ${kind} with bytes`, [send([kind, bytes(10)])]],
    ]),
  ),
  'an end that says more': [send([Kind.END, bytes(1)])],
  'a ping that says more': [send([Kind.PING, bytes(1)])],
  'a pong that says more': [send([Kind.PONG, bytes(1)])],
  'a further part of nothing': [send([Kind.MORE, bytes(10)])],
  'a first part without the whole length': [send([Kind.FIRST, bytes(3)])],
  'a first part longer than the whole': [send([Kind.FIRST, first(10, 11)])],
  'two first parts': [send([Kind.FIRST, first(100, 10)], [Kind.FIRST, first(100, 10)])],
  'a further part without bytes': [send([Kind.FIRST, first(100, 10)], [Kind.MORE, NOTHING])],
  'more parts than the whole': [send([Kind.FIRST, first(100, 50)], [Kind.MORE, bytes(51)])],
  'a message in the middle of one': [send([Kind.FIRST, first(100, 10)], [Kind.DATA, bytes(10)])],
  'an end in the middle of a message': [send([Kind.FIRST, first(100, 10)], [Kind.END, NOTHING])],
  'a ping in the middle of a message': [send([Kind.FIRST, first(100, 10)], [Kind.PING, NOTHING])],
  'a message that is announced as too long': [send([Kind.FIRST, first(100_001, 10)]), 'TOO_LARGE'],
  'a message that is announced as longer than anything': [
    send([Kind.FIRST, first(2 ** 32 - 1, 0)]),
    'TOO_LARGE',
  ],
}

/** Says what it has read, each time when the writer has come to believe the last. */
const free = (...positions: ((written: number) => number)[]) => {
  return async (peer: RawEnd) => {
    for (const position of positions) {
      await until(() => peer.writerSleeps)
      peer.free(BigInt(position(peer.written())))
    }
  }
}

/** What a writer finds that has filled the ring and sleeps. */
export const ROOM: Record<string, Attack> = {
  'more than was written': [free((written) => written + 8)],
  'far more than was written': [free(() => 2 ** 40)],
  'the largest number': [(peer) => until(() => peer.writerSleeps).then(() => peer.free(2n ** 64n - 1n))],
  'half of a header': [free(() => 4)],
  'an odd number': [free(() => 1001)],
  'less than before': [
    free(
      () => 1024,
      () => 512,
    ),
  ],
  'nothing after something': [
    free(
      () => 1024,
      () => 0,
    ),
  ],
}

const bells = (count: number, packet: number[] = [Kind.DATA]) => {
  return (peer: RawEnd) => {
    for (let i = 0; i < count; i++) peer.bell(Uint8Array.from(packet))
  }
}

/** What comes on the socket. */
export const BELLS: Record<string, Attack> = {
  'more bells at once than anybody sleeps': [bells(100)],
  'a bell that says something': [bells(1, [Kind.DATA, 1])],
  'a long bell': [bells(1, new Array(20_000).fill(0))],
  'something else than a bell': [bells(1, [Kind.PING])],
  'a greeting': [bells(1, [Kind.HELLO])],
  'a bell of a kind that is none': [bells(1, [255])],
  'a bell with a descriptor': [
    (peer) => {
      const descriptor = openSync('/dev/null', 'r')
      peer.bell(Uint8Array.of(Kind.DATA), [descriptor])
      native().close(descriptor)
    },
  ],
  'a bell with all the descriptors that there can be': [
    (peer) => {
      const descriptor = openSync('/dev/null', 'r')
      peer.bell(Uint8Array.of(Kind.DATA), new Array<number>(253).fill(descriptor))
      native().close(descriptor)
    },
  ],
  'a packet without a byte': [bells(1, []), 'RESET'],
}
