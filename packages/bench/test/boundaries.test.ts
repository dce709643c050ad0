import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { onMessages } from '../dist/twins/boundaries.js'

/** The messages of 4 bytes in these chunks. */
function split(...chunks: string[]): string[] {
  const socket = new PassThrough()
  const found: string[] = []
  onMessages(socket as unknown as Socket, 4, (message) => found.push(Buffer.from(message).toString()))
  for (const chunk of chunks) socket.emit('data', Buffer.from(chunk))
  return found
}

describe('the messages of a bare socket', () => {
  it('are found wherever the chunks are cut', () => {
    const whole = ['abcd', 'efgh', 'ijkl']
    expect(split('abcdefghijkl')).toEqual(whole)
    expect(split('a', 'bc', 'defghi', 'j', 'kl')).toEqual(whole)
    expect(split('abcd', 'efgh', 'ij', 'kl')).toEqual(whole)
    expect(split('abc')).toEqual([])
  })
})
