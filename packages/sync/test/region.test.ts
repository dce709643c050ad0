import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { native, SharedMemory } from '@strait/posix'
import { Barrier, Event, Mutex, Region, Semaphore } from '@strait/sync'
import { afterEach, describe, expect, it } from 'vitest'

const child = fileURLToPath(new URL('./support/region.mjs', import.meta.url))
const names: string[] = []
const fresh = (): string => {
  const name = `test-${process.pid}-${randomBytes(4).toString('hex')}`
  names.push(name)
  return name
}
const fileOf = (name: string) => `/dev/shm/strait.lock.${process.geteuid!()}.${name}`
const has = (command: string) => spawnSync('which', [command]).status === 0

/** What the program prints, of which each line is JSON. */
const run = (command: string, ...args: string[]) =>
  JSON.parse(execFileSync(command, args, { encoding: 'utf8', timeout: 60_000 })) as unknown

afterEach(() => {
  for (const name of names.splice(0)) SharedMemory.unlink(`strait.lock.${process.geteuid!()}.${name}`)
})

describe('a region', () => {
  it('is found by its name, and has the same primitives for all', () => {
    using region = Region.create(fresh())
    using same = Region.open(region.name!)
    const guard = new Mutex({ region }).tryLock()!
    expect(new Mutex({ region: same }).locked).toBe(true)
    expect(new Mutex({ region: same, name: 'other' }).locked).toBe(false)
    guard.release()
  })

  it('is created once', () => {
    using region = Region.create(fresh())
    expect(() => Region.create(region.name!)).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_IN_USE' }),
    )
    expect(() => Region.open(fresh())).toThrow(expect.objectContaining({ code: 'ERR_STRAIT_REFUSED' }))
  })

  it('loses its name with the last who has it open', () => {
    const region = Region.openOrCreate(fresh())
    const again = Region.openOrCreate(region.name!)
    region.close()
    expect(existsSync(fileOf(again.name!))).toBe(true)
    again.close()
    expect(existsSync(fileOf(again.name!))).toBe(false)
  })

  it('that is open twice here goes on until both are closed', async () => {
    const region = Region.anonymous()
    using same = Region.from(region.share())
    const event = new Event({ region: same })
    const first = event.wait()
    region.close()
    region.close()
    event.set()
    await first
    event.clear()
    const second = event.wait()
    same.close()
    await expect(second).rejects.toMatchObject({ code: 'ERR_STRAIT_CLOSED' })
  })

  it('keeps its name while another process has it open, and loses it with that one', () => {
    const region = Region.openOrCreate(fresh())
    expect(run(process.execPath, child, 'close', region.name!)).toEqual({ named: true })
    expect(existsSync(fileOf(region.name!))).toBe(true)
    region.close()
    expect(existsSync(fileOf(region.name!))).toBe(false)
  })

  it.each(['exit', 'throw', 'end'])('leaves no name behind when its process ends by %s', (how) => {
    const name = fresh()
    spawnSync(process.execPath, [child, how, name], { timeout: 60_000 })
    expect(existsSync(fileOf(name))).toBe(false)
  })

  it('is taken over by whoever opens what a killed process has left', () => {
    const name = fresh()
    expect(spawnSync(process.execPath, [child, 'killed', name], { timeout: 60_000 }).signal).toBe('SIGKILL')
    expect(existsSync(fileOf(name))).toBe(true)
    using region = Region.open(name)
    using guard = new Mutex({ region }).tryLock()
    expect(guard?.ownerDied).toBe(true)
    expect(new Semaphore(3, { region }).value).toBe(3)
  })

  it('that has come to its end is not entered any more, and its name is used anew', () => {
    const name = fresh()
    const old = SharedMemory.create(`strait.lock.${process.geteuid!()}.${name}`, Region.size)
    // As its last user leaves it, when it is killed before the name is gone.
    old.write(136, Uint8Array.of(1))
    const region = Region.openOrCreate(name)
    expect(new Mutex({ region }).tryLock()).toBeDefined()
    expect(old.bytes[136]).toBe(1)
    region.close()
    old.close()
  })

  it('can be unlinked: whoever opens the name then gets another one', () => {
    using region = Region.create(fresh())
    expect(Region.unlink(region.name!)).toBe(true)
    expect(Region.unlink(region.name!)).toBe(false)
    using other = Region.create(region.name!)
    const guard = new Mutex({ region }).tryLock()!
    expect(new Mutex({ region: other }).locked).toBe(false)
    guard.release()
    region.close()
    expect(existsSync(fileOf(other.name!))).toBe(true)
  })

  it('lies in memory beside the data, whoever has made it', () => {
    using memory = SharedMemory.anonymous(Region.size + 4096)
    using region = Region.over(memory)
    using same = Region.from({ descriptor: memory.descriptor })
    const guard = new Mutex({ region }).tryLock()!
    expect(new Mutex({ region: same }).locked).toBe(true)
    guard.release()
    memory.write(Region.size, Uint8Array.of(7))
    expect(new Mutex({ region: same }).tryLock()?.held).toBe(true)
    expect(memory.read(Region.size, 1)[0]).toBe(7)
  })

  it('refuses memory that is too small, or has something else in it, and changes nothing', () => {
    using small = SharedMemory.anonymous(4096)
    expect(() => Region.over(small)).toThrow(expect.objectContaining({ code: 'ERR_STRAIT_REFUSED' }))
    using other = SharedMemory.anonymous(Region.size)
    other.bytes.fill(65)
    expect(() => Region.over(other)).toThrow(expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' }))
    expect(other.bytes.every((byte) => byte === 65)).toBe(true)
  })

  it('refuses a descriptor that has become another file', () => {
    using region = Region.anonymous()
    const shared = region.share()
    expect(() => Region.from({ ...shared, inode: shared.inode! + 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' }),
    )
    expect(() => Region.from({ descriptor: 9999 })).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' }),
    )
  })

  it.each(['', '.', '..', 'a/b', 'a b', 'a'.repeat(41)])('refuses the name %j', (name) => {
    expect(() => Region.openOrCreate(name)).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' }),
    )
  })

  it('is refused to a process of another PID namespace', async (context) => {
    if (process.geteuid!() !== 0 || spawnSync('unshare', ['--pid', '--fork', 'true']).status !== 0) {
      context.skip('only root can make a PID namespace')
    }
    using region = Region.create(fresh())
    const args = ['--pid', '--fork', '--mount-proc', process.execPath, child, 'code', region.name!]
    expect(run('unshare', ...args)).toEqual({ code: 'ERR_STRAIT_NOT_SUPPORTED' })
  })

  it('is refused to another user', (context) => {
    if (process.geteuid!() !== 0 || !has('setpriv')) context.skip('only root can become somebody else')
    using memory = SharedMemory.create(`strait.lock.65534.${fresh()}`, Region.size)
    names.push(memory.name!.slice('strait.lock.65534.'.length))
    try {
      const name = memory.name!.slice('strait.lock.65534.'.length)
      const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups']
      const rights = ['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search']
      expect(run('setpriv', ...user, ...rights, process.execPath, child, 'code', name)).toEqual({
        code: 'ERR_STRAIT_PERMISSION',
      })
    } finally {
      memory.unlink()
    }
  })

  it('has room for 255 primitives, and says so', () => {
    using region = Region.anonymous()
    for (let index = 0; index < 255; index++) new Event({ region, name: `event-${index}` })
    expect(() => new Event({ region, name: 'one more' })).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID' }),
    )
    expect(() => new Event({ region, name: 'one-more' })).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_NO_RESOURCES' }),
    )
  })

  it('takes one name for one thing', () => {
    using region = Region.anonymous()
    new Barrier(2, { region, name: 'x' })
    const inUse = expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_IN_USE' })
    expect(() => new Mutex({ region, name: 'x' })).toThrow(inUse)
    expect(() => new Barrier(3, { region, name: 'x' })).toThrow(inUse)
    expect(new Barrier(2, { region, name: 'x' }).parties).toBe(2)
  })

  it('lets 16,383 wait at a time, and tells the next that it is too many', async () => {
    using region = Region.anonymous()
    const event = new Event({ region })
    const waits = Array.from({ length: 16_383 }, () => event.wait())
    await expect(event.wait()).rejects.toMatchObject({ code: 'ERR_STRAIT_NO_RESOURCES' })
    event.set()
    await Promise.all(waits)
    await event.wait()
    expect(native().syncCheck(region.attachment.handle, 0)).toBe(0)
  })

  it('is one of as many as a thread likes', async () => {
    const regions = Array.from({ length: 200 }, () => Region.anonymous())
    const mutexes = regions.map((region) => new Mutex({ region }))
    const guards = mutexes.map((mutex) => mutex.tryLock()!)
    const waits = mutexes.map((mutex) => mutex.lock())
    for (const guard of guards) guard.release()
    for (const guard of await Promise.all(waits)) guard.release()
    for (const region of regions) region.close()
  })

  it('works without futex_waitv, on older kernels', (context) => {
    if (!has('strace')) context.skip('there is no strace')
    const inject = [
      '-f',
      '-o',
      '/dev/null',
      '-e',
      'trace=futex_waitv',
      '-e',
      'inject=futex_waitv:error=ENOSYS',
    ]
    expect(run('strace', ...inject, process.execPath, child, 'two', fresh())).toEqual({
      told: true,
      rounds: 200,
    })
  })
})

describe('primitives without a region', () => {
  it('go when nobody has them any more', () => {
    expect(run(process.execPath, '--expose-gc', child, 'collected')).toEqual({ regions: 1 })
  })
})
