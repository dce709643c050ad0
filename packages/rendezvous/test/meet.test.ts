import { supported } from '@strait/posix'
import { describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { connectControl } from '../src/index.js'
import { connect, failure, fresh, listen, NOBODY, Refusals, root } from './support/ends.js'
import { end, python, startPython } from './support/python.js'
import { RawListener, RawPeer } from './support/raw.js'

const abstractName = (url: URL, uid = 0) => `strait/${uid}/fifo/${url.pathname}`

describe('C10 two ends', () => {
  it('meet by a name, know each other, and leave nothing', async () => {
    const before = descriptors()
    const url = fresh()
    const listener = await listen(url)
    const connected = await connect(url)
    const accepted = (await listener.accept())!
    const here = { pid: process.pid, uid: process.geteuid!(), gid: process.getegid!() }
    expect(connected.peer).toEqual(here)
    expect(accepted.peer).toEqual(here)
    const message = new Uint8Array(100_000).fill(1)
    await connected.send(message)
    expect(Buffer.compare((await accepted.receive())!, message)).toBe(0)
    await Promise.all([connected.close(), accepted.close()])
    await listener.close()
    await turns()
    expect(descriptors()).toEqual(before)
  })

  it('do not meet where nobody listens, or nobody does any more', async () => {
    const url = fresh()
    await expect(connect(url)).rejects.toEqual(failure('REFUSED', 'nobody is listening'))
    await (await listen(url)).close()
    await expect(connect(url)).rejects.toEqual(failure('REFUSED', 'nobody is listening'))
  })

  it('of which one has a key do not meet, and neither do those with two keys', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await listen(url, { key: 'ours' })
    await expect(connect(url)).rejects.toEqual(failure('AUTH_FAILED'))
    await expect(connect(url, { key: 'theirs' })).rejects.toEqual(failure('AUTH_FAILED'))
    await refusals.count(2)
    expect(refusals.codes).toEqual(['ERR_STRAIT_AUTH_FAILED', 'ERR_STRAIT_AUTH_FAILED'])
    await (await connect(url, { key: 'ours' })).close()
    refusals.stop()
    await listener.close()
  })
})

describe('C10 a name', () => {
  it('has one listener at a time', async () => {
    const url = fresh()
    const first = await listen(url)
    await expect(listen(url)).rejects.toEqual(failure('ADDRESS_IN_USE', 'somebody listens here already'))
    await first.close()
    const second = await listen(url)
    await second.close()
  })

  it('goes to exactly one of those who race for it', async () => {
    const url = fresh()
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => listen(url)))
    const winners = results.filter((result) => result.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toEqual(failure('ADDRESS_IN_USE'))
    await winners[0]!.value.close()
  })

  it('is not taken by a listen that was aborted, before or meanwhile', async () => {
    const url = fresh('?at=/tmp/strait-never')
    await expect(listen(url, { signal: AbortSignal.abort() })).rejects.toEqual(failure('ABORTED'))
    const controller = new AbortController()
    const listening = listen(url, { signal: controller.signal })
    controller.abort()
    await expect(listening).rejects.toEqual(failure('ABORTED'))
    await (await listen(url)).close()
  })

  it('whose listener has a full queue refuses, and says so', async () => {
    const url = fresh()
    const full = new RawListener(url, { backlog: 0 })
    const waiting = [RawPeer.connect(url)]
    expect(() => {
      for (;;) waiting.push(RawPeer.connect(url))
    }).toThrowError(failure('REFUSED', 'backlog'))
    expect(() => connectControl(url, {})).toThrowError(failure('REFUSED', 'backlog'))
    for (const peer of waiting) peer.close()
    full.close()
  })
})

describe('C8 a listener that closes', () => {
  it('hangs up on whoever is still greeting', async () => {
    const url = fresh()
    const listener = await listen(url)
    const silent = RawPeer.connect(url)
    await silent.receive()
    await listener.close()
    expect(await silent.rest()).toEqual([])
    silent.close()
  })

  it('aborts what nobody accepted, and frees those who wait for more', async () => {
    const url = fresh()
    const listener = await listen(url)
    const connected = await connect(url)
    await listener.accept().then((channel) => channel?.send(Uint8Array.of(1)))
    expect(await connected.receive()).toEqual(Uint8Array.of(1))
    const other = await connect(url)
    const accepting = [listener.accept(), listener.accept()]
    await accepting[0]
    await listener.close()
    expect(await accepting[1]).toBeUndefined()
    connected.abort()
    other.abort()
  })
})

describe.skipIf(!root || !supported)('C13 another user (needs root, to become one)', () => {
  const become = `
import os, socket, sys
os.setgroups([]); os.setgid(${NOBODY}); os.setuid(${NOBODY})
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
`
  const squat = `${become}
s.bind(chr(0) + sys.argv[1]); s.listen(); print('ready', flush=True)
held = []
while True: held.append(s.accept()[0])`

  it('who took our name is not talked to, and is named to whoever wants to listen', async () => {
    const url = fresh()
    const squatter = await startPython(squat, abstractName(url))
    await expect(connect(url)).rejects.toEqual(failure('PERMISSION', `user ${NOBODY} listens here`))
    await expect(listen(url)).rejects.toEqual(failure('ADDRESS_IN_USE', `user ${NOBODY} holds this name`))
    await end(squatter)
    await (await listen(url)).close()
  })

  it('who took it without listening keeps it too, but cannot be asked who he is', async () => {
    const url = fresh()
    const program = `${become}
s.bind(chr(0) + sys.argv[1]); print('ready', flush=True)
sys.stdin.read()`
    const squatter = await startPython(program, abstractName(url))
    await expect(connect(url)).rejects.toEqual(failure('REFUSED'))
    await expect(listen(url)).rejects.toEqual(failure('ADDRESS_IN_USE'))
    await end(squatter)
  })

  it('who connects is hung up on at once without a word, and the diagnostics know', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await listen(url)
    const program = `${become}s.connect(chr(0) + sys.argv[1]); print(s.recv(100))`
    expect(await python(program, abstractName(url))).toBe("b''")
    expect(refusals.errors).toEqual([failure('PERMISSION', `user ${NOBODY} has no business here`)])
    refusals.stop()
    await listener.close()
  })

  it('is trusted where he is the owner, under his own name and not under ours', async () => {
    const url = fresh()
    const squatter = await startPython(squat, abstractName(url, NOBODY))
    await expect(connect(url)).rejects.toEqual(failure('REFUSED', 'nobody is listening'))
    await expect(connect(url, { owner: NOBODY - 1 })).rejects.toEqual(failure('REFUSED'))
    const { packets, peer } = connectControl(url, { owner: NOBODY })
    expect(peer).toEqual({ pid: squatter.pid, uid: NOBODY, gid: NOBODY })
    packets.destroy()
    await end(squatter)
  })
})
