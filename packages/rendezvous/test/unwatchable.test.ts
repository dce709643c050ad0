import { constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check, native } from '@strait/posix'
import { expect, it } from 'vitest'
import { descriptors } from '../../core/test/support/leftovers.js'
import { DescriptorBytes, SocketPackets } from '../src/index.js'

const URL_OF_TEST = new URL('fifo:unwatchable')

// A regular file stands for whatever epoll refuses to watch, as it does beyond `fs.epoll.max_user_watches`.
it.each([
  ['SocketPackets', (descriptor: number) => new SocketPackets(descriptor, URL_OF_TEST)],
  [
    'DescriptorBytes',
    (descriptor: number) => new DescriptorBytes(descriptor, native().duplicate(descriptor), URL_OF_TEST),
  ],
] as const)('%s closes what it owns when that cannot be watched', (_, make) => {
  const directory = mkdtempSync(join(tmpdir(), 'strait-unwatchable-'))
  const before = descriptors()
  const { O_RDWR, O_CREAT } = constants
  const file = check(native().open(join(directory, 'file'), O_RDWR | O_CREAT, 0o600), 'open', directory)
  expect(() => make(file)).toThrow(expect.objectContaining({ code: 'ERR_STRAIT_PERMISSION' }))
  expect(descriptors()).toEqual(before)
  rmSync(directory, { recursive: true })
})
