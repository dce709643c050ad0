import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { start } from '../../core/test/support/child.js'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { connect, failure, listen, NOBODY, root } from './support/ends.js'
import { end, startPython } from './support/python.js'

const LISTENER = new URL('./support/listener.mjs', import.meta.url)

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-at-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const at = (file = 'socket', name = 'jobs') => new URL(`fifo:${name}?at=${directory}/${file}`)

/** Leaves a socket whose listener was killed. */
async function leaveDead(url: URL): Promise<void> {
  const killed = start(LISTENER, [url.href])
  expect(await killed.line()).toBe('ready')
  await killed.kill()
}

describe('?at=', () => {
  it('C10 is where two ends meet, and C11 is gone afterwards with everything', async () => {
    const before = descriptors()
    const listener = await listen(at())
    const connected = await connect(at())
    const accepted = (await listener.accept())!
    await connected.send(Uint8Array.of(1, 2))
    expect(await accepted.receive()).toEqual(Uint8Array.of(1, 2))
    await Promise.all([connected.close(), accepted.close()])
    expect(readdirSync(directory)).toEqual(['socket'])
    await expect(listen(at())).rejects.toEqual(failure('ADDRESS_IN_USE', 'somebody listens here already'))
    await listener.close()
    expect(readdirSync(directory)).toEqual([])
    await expect(connect(at())).rejects.toEqual(failure('REFUSED'))
    await turns()
    expect(descriptors()).toEqual(before)
  })

  it('C13 has the mode 0600, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      const listener = await listen(at())
      expect(lstatSync(join(directory, 'socket')).mode & 0o777).toBe(0o600)
      await listener.close()
    } finally {
      process.umask(before)
    }
  })

  it('C13 is never reached through a symbolic link, and none is replaced', async () => {
    const listener = await listen(at('real'))
    symlinkSync(join(directory, 'real'), join(directory, 'link'))
    symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'))
    for (const name of ['link', 'dangling']) {
      await expect(connect(at(name))).rejects.toEqual(failure('PERMISSION', 'symbolic link'))
      await expect(listen(at(name))).rejects.toEqual(failure('PERMISSION', 'symbolic link'))
      expect(lstatSync(join(directory, name)).isSymbolicLink()).toBe(true)
    }
    await listener.close()
    expect(readdirSync(directory).sort()).toEqual(['dangling', 'link'])
  })

  it('leaves a file that is no socket alone', async () => {
    writeFileSync(join(directory, 'diary'), 'dear')
    await expect(listen(at('diary'))).rejects.toEqual(failure('ADDRESS_IN_USE', 'not a socket'))
    await expect(connect(at('diary'))).rejects.toEqual(failure('ADDRESS_INVALID', 'not a socket'))
    expect(readdirSync(directory)).toEqual(['diary'])
  })

  it('leaves a living socket of another type alone, and does not talk to it', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(directory, 'stream'), resolve))
    await expect(listen(at('stream'))).rejects.toEqual(failure('ADDRESS_IN_USE'))
    await expect(connect(at('stream'))).rejects.toEqual(failure('ADDRESS_INVALID', 'another type'))
    expect(readdirSync(directory)).toEqual(['stream'])
    await new Promise((resolve) => server.close(resolve))
  })

  it('C11 takes over what a killed listener left, and of many who try one gets it', async () => {
    await leaveDead(at())
    expect(readdirSync(directory)).toEqual(['socket'])
    await expect(connect(at())).rejects.toEqual(failure('REFUSED'))
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => listen(at())))
    const winners = results.filter((result) => result.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    await (await connect(at())).close()
    await winners[0]!.value.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('does not remove what somebody has put in its place', async () => {
    const first = await listen(at())
    unlinkSync(join(directory, 'socket'))
    const second = await listen(at())
    await first.close()
    await (await connect(at())).close()
    await second.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('in a directory that is not there is ADDRESS_INVALID', async () => {
    await expect(listen(at('no/socket'))).rejects.toEqual(failure('ADDRESS_INVALID', 'does not exist'))
    await expect(connect(at('no/socket'))).rejects.toEqual(failure('REFUSED'))
    expect(readdirSync(directory)).toEqual([])
  })

  const canUnshare = root && spawnSync('unshare', ['-n', 'true']).status === 0
  it.skipIf(!canUnshare)('reaches across network namespaces, which an abstract name does not', async () => {
    const program = LISTENER.pathname
    const unshared = start(new URL('./support/unshared.mjs', import.meta.url), [program, at().href])
    expect(await unshared.line()).toBe('ready')
    const channel = await connect(at())
    await channel.send(Uint8Array.of(7))
    expect(await channel.receive()).toEqual(Uint8Array.of(7))
    channel.abort()
    await unshared.kill()

    const name = new URL(`fifo:test-${process.pid}-unshared`)
    const alone = start(new URL('./support/unshared.mjs', import.meta.url), [program, name.href])
    expect(await alone.line()).toBe('ready')
    await expect(connect(name)).rejects.toEqual(failure('REFUSED'))
    await alone.kill()
  })

  it.skipIf(!root)('C13 of another user is not trusted unless he is the owner (needs root)', async () => {
    chmodSync(directory, 0o777)
    const program = `
import os, socket, sys
os.setgroups([]); os.setgid(${NOBODY}); os.setuid(${NOBODY})
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(sys.argv[1]); s.listen(); print('ready', flush=True)
while True: s.accept()[0].close()`
    const other = await startPython(program, join(directory, 'socket'))
    await expect(connect(at())).rejects.toEqual(failure('PERMISSION', `user ${NOBODY}`))
    await expect(connect(at(), { owner: NOBODY })).rejects.toEqual(failure('REFUSED', 'without a greeting'))
    await expect(listen(at())).rejects.toEqual(failure('ADDRESS_IN_USE'))
    await end(other)
    await expect(listen(at())).rejects.toEqual(failure('PERMISSION', `user ${NOBODY}`))
  })
})
