import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { supported } from '@strait/posix'
import { describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { unix } from '../src/index.js'

const NOBODY = 65534
const root = process.getuid?.() === 0
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
let count = 0
const fresh = () => new URL(`unix:@strait-test-${process.pid}-${count++}`)

/** What a Python program, which pads no name with zeros, finds at an abstract name. */
async function python(program: string, ...args: string[]): Promise<string> {
  const child = spawn('python3', ['-c', program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  await once(child, 'close')
  return output.trim()
}

describe.skipIf(!supported)('unix:@name, with the addon', () => {
  it('C10 two ends meet, and the name is free again afterwards', async () => {
    const before = descriptors()
    const url = fresh()
    const listener = await unix.listen(url)
    await expect(unix.listen(url)).rejects.toEqual(code('ADDRESS_IN_USE'))
    const connected = await unix.connect(url)
    const accepted = (await listener.accept())!
    await connected.send(new Uint8Array(100_000).fill(7))
    expect(await accepted.receive()).toEqual(new Uint8Array(100_000).fill(7))
    await Promise.all([connected.close(), accepted.close()])
    await listener.close()
    await expect(unix.connect(url)).rejects.toEqual(code('REFUSED'))
    await (await unix.listen(url)).close()
    await turns(20)
    expect(descriptors()).toEqual(before)
  })

  it('the name has exactly its own length, as other programs write it', async () => {
    const url = fresh()
    const listener = await unix.listen(url)
    expect(readFileSync('/proc/net/unix', 'utf8')).toMatch(new RegExp(`@${url.pathname.slice(1)}$`, 'm'))
    const program =
      'import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + sys.argv[1]); print(s.recv(6))'
    expect(await python(program, url.pathname.slice(1))).toBe("b'STRAIT'")
    await listener.close()
  })

  it('both ends know the other’s process, user and group', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'strait-peer-'))
    for (const url of [fresh(), new URL(`unix:${directory}/socket`)]) {
      const listener = await unix.listen(url)
      const connected = await unix.connect(url)
      const accepted = (await listener.accept())!
      const here = { pid: process.pid, uid: process.geteuid!(), gid: process.getegid!() }
      expect(connected.peer).toEqual(here)
      expect(accepted.peer).toEqual(here)
      connected.abort()
      accepted.abort()
      await listener.close()
    }
    rmdirSync(directory)
  })

  it.runIf(root)('C13 another user is hung up on, unless the mode admits him', async () => {
    const program = `
import os, socket, sys
os.setgroups([]); os.setgid(${NOBODY}); os.setuid(${NOBODY})
s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + sys.argv[1]); print(s.recv(6))`
    const url = fresh()
    const refused: unknown[] = []
    const onRefused = (message: unknown) => refused.push((message as { error: { code: string } }).error.code)
    subscribe('strait:listener:refuse', onRefused)
    const listener = await unix.listen(url)
    expect(await python(program, url.pathname.slice(1))).toBe("b''")
    unsubscribe('strait:listener:refuse', onRefused)
    expect(refused).toEqual(['ERR_STRAIT_PERMISSION'])
    await listener.close()
    const open = await unix.listen(url, { mode: 0o666 })
    expect(await python(program, url.pathname.slice(1))).toBe("b'STRAIT'")
    await open.close()
  })

  it.runIf(root)('C13 a name that another user holds is not trusted, unless he is the owner', async () => {
    const url = fresh()
    const program = `
import os, socket, sys
os.setgroups([]); os.setgid(${NOBODY}); os.setuid(${NOBODY})
s = socket.socket(socket.AF_UNIX); s.bind(chr(0) + sys.argv[1]); s.listen(); print('ready', flush=True)
s.accept()[0].recv(1); s.accept()[0].recv(1)`
    const child = spawn('python3', ['-c', program, url.pathname.slice(1)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await expect(unix.connect(url)).rejects.toEqual(code('PERMISSION'))
    // Trusted, he is talked to; that he does not speak Strait is another matter.
    await expect(unix.connect(url, { owner: NOBODY })).rejects.toEqual(code('REFUSED'))
    await once(child, 'close')
  })
})

describe.skipIf(supported)('unix:@name, without the addon', () => {
  it('is NOT_SUPPORTED, not a file of that name', async () => {
    await expect(unix.listen(fresh())).rejects.toEqual(code('NOT_SUPPORTED'))
    await expect(unix.connect(fresh())).rejects.toEqual(code('NOT_SUPPORTED'))
  })
})
