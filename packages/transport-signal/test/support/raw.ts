import { type BlockingChannel, greetInPackets } from '@strait/core'
import { SignalQueue } from '@strait/posix'
import { confirmObjects, connectControl, receiveObjects, type SocketPackets } from '@strait/rendezvous'
import { type Address, decodeAddress, encodeAddress } from '../../src/address.js'
import { signal } from '../../src/index.js'
import { CELL, writeWord } from '../../src/word.js'
import { fresh, keep } from './ends.js'

/** In which a raw end is sent signals: not the hub's, which this thread has for the other end. */
const RAW_SIGNAL = 50

export interface Word {
  readonly channel?: number
  readonly length: number
  readonly sequence: number
  readonly payload?: readonly number[]
}

/** An end that has greeted as it should, and then sends whatever it is told to. */
export class RawEnd {
  readonly control: SocketPackets
  readonly there: Address
  readonly queue: SignalQueue
  /** Of the next signal. */
  sequence = 0

  private constructor(control: SocketPackets, there: Address, queue: SignalQueue) {
    this.control = control
    this.there = there
    this.queue = queue
  }

  /** Meets a listener; what it says of itself is `address`, or the truth. */
  static async connect(url: URL, address?: Uint8Array): Promise<RawEnd> {
    const { packets: control } = connectControl(url, {})
    await greetInPackets(control, 'connect', url, {})
    const { parameters } = await receiveObjects(control, 0, url, {})
    const queue = SignalQueue.open({ signal: RAW_SIGNAL })
    const here = encodeAddress({ tid: queue.address.tid, number: 7, signal: RAW_SIGNAL })
    confirmObjects(control, address ?? here)
    return keep(new RawEnd(control, decodeAddress(parameters, 'connect', url), queue))
  }

  /** The word as a number, for whoever sends it. */
  encode({ channel = this.there.number, length, sequence, payload = [] }: Word): bigint {
    const bytes = new Uint8Array(8)
    bytes.set(payload)
    writeWord(bytes, 0, channel, length, sequence)
    return new BigUint64Array(bytes.buffer)[0]!
  }

  word(word: Word): void {
    const { tid, signal } = this.there
    if (!SignalQueue.send({ pid: process.pid, tid }, signal, this.encode(word))) throw new Error('full')
  }

  /** Sends bytes as they should be sent. */
  bytes(bytes: readonly number[]): void {
    for (let at = 0; at < bytes.length; at += CELL) {
      const payload = bytes.slice(at, at + CELL)
      this.word({ length: payload.length, sequence: this.sequence++ & 0xff, payload })
    }
  }

  /** A message of so many bytes, all of them the same. */
  message(length: number, byte = 1): void {
    this.bytes([0, 0, 0, 0, length, 0, 0, 0, ...new Array<number>(length).fill(byte)])
  }

  abort(): void {
    this.queue.close()
    this.control.destroy()
  }
}

/** A raw end, and the channel at its other end. */
export async function raw(): Promise<{ end: RawEnd; channel: BlockingChannel }> {
  const url = fresh()
  const listener = await signal.listen(url)
  const end = await RawEnd.connect(url)
  const channel = keep((await listener.accept())!)
  await listener.close()
  return { end, channel }
}
