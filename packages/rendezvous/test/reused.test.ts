import { constants } from 'node:fs'
import { Kind } from '@strait/core'
import { check, isAgain, native } from '@strait/posix'
import { expect, it } from 'vitest'
import { DescriptorBytes, SocketPackets } from '../src/index.js'

// A descriptor is a number, and the next thing that is opened gets the one that has just become free. Whoever still
// writes to it speaks in the name of somebody else.

const system = native()
const url = new URL('fifo:reused')
const message = Uint8Array.of(1, 2, 3)

function open(kind: 'pipe' | 'socketpair'): [number, number] {
  const ends = new Int32Array(2)
  const result =
    kind === 'pipe' ? system.pipe(constants.O_NONBLOCK, ends) : system.socketpair(system.SOCK_SEQPACKET, ends)
  check(result, 'open', url.href)
  return [ends[0]!, ends[1]!]
}

function close(...descriptors: number[]): void {
  for (const descriptor of descriptors) system.close(descriptor)
}

it('a stream that is destroyed neither writes to nor reads from what has its numbers now', () => {
  const ends = open('pipe')
  const bytes = new DescriptorBytes(...ends, url)
  bytes.events.readable()
  bytes.destroy()
  const next = open('pipe')
  expect(next).toEqual(ends)
  bytes.write(message)
  expect(isAgain(system.read(next[0], new Uint8Array(8), 0, 8))).toBe(true)
  system.write(next[1], message, 0, message.length)
  bytes.wait(true, false, 0)
  expect(bytes.read()).toBeUndefined()
  expect(system.read(next[0], new Uint8Array(8), 0, 8)).toBe(message.length)
  close(...next)
})

it('packets that are destroyed neither come from nor go to, nor end, what has their number now', () => {
  const ends = open('socketpair')
  const packets = new SocketPackets(ends[0], url)
  packets.destroy()
  close(ends[1])
  const next = open('socketpair')
  expect(next).toEqual(ends)
  const info = new Int32Array(3)
  const received = () => system.receive(next[1], new Uint8Array(8), 0, 8, info)
  packets.write(Kind.DATA, message)
  packets.hangUp()
  expect(isAgain(received())).toBe(true)
  system.send(next[1], message)
  packets.wait(true, false, 0)
  expect(packets.read()).toBeUndefined()
  expect(system.receive(next[0], new Uint8Array(8), 0, 8, info)).toBe(message.length)
  close(...next)
})
