import { supported } from '@strait/posix'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { kill, type Listed, lasting, temporary } from './objects.js'
import { removeDead, strait } from './strait.js'

afterEach(() => vi.unstubAllEnvs())

/** Holds a record of two queues, with a message in one of them, as an end of `sysv-mq:` does. */
const HOLDER = `
  import { randomInt } from 'node:crypto'
  import { SysvMessageQueue } from '${import.meta.resolve('@strait/posix')}'
  import { HeldRecord } from '${import.meta.resolve('@strait/rendezvous')}'
  const record = HeldRecord.create('test')
  const [queue] = [1, 2].map(() => {
    const key = randomInt(1, 2 ** 31)
    record.add({ kind: 'sysv-mq', name: '0x' + key.toString(16).padStart(8, '0') })
    return SysvMessageQueue.create(key)
  })
  queue.trySend(Uint8Array.of(1))
  console.log('sent')
  setInterval(() => {}, 1e6)`

describe.skipIf(!supported)('the queues of sysv-mq:', () => {
  it('are shown with who has them, then as dead, and go with their record', async () => {
    vi.stubEnv('XDG_RUNTIME_DIR', temporary())
    const holder = await lasting(process.execPath, ['--input-type=module', '-e', HOLDER])
    const objects = async (): Promise<Listed[]> => JSON.parse((await strait(['ls', '--json'])).stdout).objects
    const record = (await objects()).find(({ kind }) => kind === 'record')!
    expect(record.details).toMatch(/^of sysv-mq 0x[0-9a-f]{8}, sysv-mq 0x[0-9a-f]{8}$/)
    const queues = async () => {
      const found = (await objects()).filter(({ details }) => details?.endsWith(`, of ${record.name}`))
      return found.sort((a, b) => a.details!.localeCompare(b.details!))
    }
    const holders = [{ pid: holder.pid }]
    expect(await queues()).toMatchObject([
      { kind: 'sysv-mq', state: 'in use', holders, details: `0 messages, of ${record.name}` },
      { kind: 'sysv-mq', state: 'in use', holders, details: `1 message, of ${record.name}` },
    ])
    const [queue] = await queues()
    expect((await strait(['rm', queue!.name])).stderr).toContain(`process ${holder.pid}`)
    await kill(holder)
    expect(await queues()).toMatchObject([
      { state: 'dead', holders: [] },
      { state: 'dead', holders: [] },
    ])
    expect((await strait(['rm', queue!.name])).stdout).toBe(`removed ${queue!.name}\n`)
    expect(await queues()).toHaveLength(1)
    expect((await removeDead()).stdout).toMatch(/^removed record:[0-9a-f]+, sysv-mq 0x/)
    expect(await queues()).toEqual([])
  })
})
