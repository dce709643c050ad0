import { constants, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MessageQueue, native } from '@strait/posix'
import { describe, expect, it } from 'vitest'
import { start } from '../../core/test/support/child.js'
import { turns } from '../../core/test/support/leftovers.js'
import { failure } from '../../rendezvous/test/support/ends.js'
import { mq } from '../src/index.js'
import { fresh, home, nothingIsLeft, opened } from './support/home.js'

const KILLED = new URL('./support/killed.mjs', import.meta.url)

nothingIsLeft()

describe('mq:', () => {
  it('C11 channels are queues without a name, and the socket at which the ends have met; no record is kept', async () => {
    const url = fresh()
    const listener = await mq.listen(url)
    const connected = await mq.connect(url)
    const accepted = (await listener.accept())!
    await listener.close()
    await turns()
    const sockets = opened().filter((each) => each.startsWith('socket:'))
    const queues = opened().filter((each) => !each.startsWith('socket:'))
    expect(sockets).toHaveLength(2)
    expect(queues).toHaveLength(4)
    for (const end of queues) expect(end).toMatch(/^\/strait-[0-9a-f]{24}-(there|back) \(deleted\)$/)
    expect(new Set(queues).size).toBe(2)
    expect(readdirSync(home)).toEqual([])
    await Promise.all([connected.close(), accepted.close()])
  })

  it('C11 listen removes the queue and the record of a listener that was killed before it unlinked', async () => {
    const child = start(KILLED, [fresh().href])
    expect(await child.line()).toBe('listening')
    const url = new URL(child.process.spawnargs.at(-1)!)
    await expect(mq.connect(url)).rejects.toEqual(failure('RESET'))
    expect((await child.exit).signal).toBe('SIGKILL')
    const [record] = readdirSync(join(home, 'strait'))
    const name = `/strait-${record!.replace('.record', '')}-there`
    MessageQueue.open(name).close()
    const listener = await mq.listen(fresh())
    expect(readdirSync(home)).toEqual([])
    expect(() => MessageQueue.open(name)).toThrow(failure('REFUSED'))
    await listener.close()
  })

  it('C11 listen removes no queue but those that a record of ours can have named', async () => {
    using theirs = MessageQueue.create(`/strait-test-${process.pid}-theirs`, {
      maxMessages: 1,
      maxMessageSize: 1,
    })
    try {
      mkdirSync(join(home, 'strait'), { mode: 0o700 })
      const line = JSON.stringify({ kind: 'mq', name: theirs.name })
      writeFileSync(join(home, 'strait', `${'a'.repeat(24)}.record`), `${line}\n`)
      const listener = await mq.listen(fresh())
      expect(readdirSync(home)).toEqual([])
      await listener.close()
    } finally {
      expect(theirs.unlink()).toBe(true)
    }
  })

  it('C10 its names are not those of other schemes', async () => {
    const url = fresh()
    const listener = await mq.listen(url)
    await expect(mq.connect(new URL(`${url.href}-`))).rejects.toEqual(failure('REFUSED'))
    await expect(mq.listen(url)).rejects.toEqual(failure('ADDRESS_IN_USE'))
    await listener.close()
    // A queue of that name is none of its business.
    const system = native()
    const name = `/${url.pathname}`
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
    const queue = system.mqOpen(name, flags, 0o600, 1, 1)
    expect(queue).toBeGreaterThan(0)
    system.mqUnlink(name)
    system.close(queue)
  })

  it('C2 a message in parts and small ones arrive in the order in which they were sent, and the end last', async () => {
    const url = fresh()
    const listener = await mq.listen(url)
    const connected = await mq.connect(url)
    const accepted = (await listener.accept())!
    await listener.close()
    const lengths = [0, 1022, 1023, 1024, 100_000, 5, 0, 16 * 1024 * 1024, 1]
    const sending = (async () => {
      for (const length of lengths) await connected.send(new Uint8Array(length).fill(length % 251))
      await connected.close()
    })()
    const received: Uint8Array[] = []
    for await (const message of accepted) received.push(message)
    expect(received.map(({ length }) => length)).toEqual(lengths)
    for (const message of received)
      expect(Buffer.from(message).equals(Buffer.alloc(message.length, message.length % 251))).toBe(true)
    await Promise.all([sending, accepted.close()])
  })
})
