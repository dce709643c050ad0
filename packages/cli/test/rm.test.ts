import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, lstatSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { supported } from '@strait/posix'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { has, isRoot, kill, lasting, listed, sharedMemory, temporary, unique } from './objects.js'
import { removeDead, Strait, strait } from './strait.js'

afterEach(() => vi.unstubAllEnvs())

/** A socket file whose listener was killed. */
async function deadSocket(): Promise<string> {
  const path = join(temporary(), 'a.sock')
  const receiver = new Strait(['receive', `unix:${path}`])
  await receiver.listening()
  receiver.child.kill('SIGKILL')
  await receiver.outcome
  expect(lstatSync(path).isSocket()).toBe(true)
  return path
}

describe('strait rm of a socket file', () => {
  it.each(['unix:', ''])('removes what a killed listener left, by "%s" and the path', async (prefix) => {
    const path = await deadSocket()
    const { code, stdout, stderr } = await strait(['rm', `${prefix}${path}`])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `removed ${prefix}${path}\n`, stderr: '' })
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('removes one that stands in ?at=', async () => {
    const path = await deadSocket()
    expect((await strait(['rm', `seqpacket:jobs?at=${path}`])).code).toBe(0)
    expect(existsSync(path)).toBe(false)
  })

  it('leaves one alone on which somebody listens', async () => {
    const path = join(temporary(), 'a.sock')
    const receiver = new Strait(['receive', `unix:${path}`])
    await receiver.listening()
    const { code, stderr } = await strait(['rm', path])
    expect(stderr).toBe(`strait: rm ${path}: somebody listens here already\n`)
    expect(code).toBe(1)
    expect((await strait(['send', `unix:${path}`, 'still there'])).code).toBe(0)
    expect((await receiver.outcome).stdout).toContain('still there')
  })

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'precious'), 'something that is not a socket'],
    ['a symbolic link', (path: string) => symlinkSync('/dev/null', path), 'a symbolic link'],
  ])('leaves %s alone', async (_, make, reason) => {
    const path = join(temporary(), 'a.sock')
    make(path)
    const { code, stderr } = await strait(['rm', path])
    expect(stderr).toContain(reason)
    expect(code).toBe(1)
    expect(readdirSync(join(path, '..'))).toEqual(['a.sock'])
    expect((await strait(['rm', '--force', path])).code).toBe(1)
    expect(readdirSync(join(path, '..'))).toEqual(['a.sock'])
  })

  it('says so where nothing is', async () => {
    const path = join(temporary(), 'a.sock')
    const { code, stderr } = await strait(['rm', path])
    expect(stderr).toBe(`strait: rm ${path}: there is nothing\n`)
    expect(code).toBe(1)
    expect(existsSync(path)).toBe(false)
  })

  it.skipIf(!isRoot)('leaves another user’s alone unless forced (needs root to make it)', async () => {
    const path = await deadSocket()
    chownSync(path, 65534, 65534)
    expect((await strait(['rm', path])).stderr).toContain('a socket of user 65534 stands there')
    expect((await strait(['rm', '--force', path])).code).toBe(0)
    expect(existsSync(path)).toBe(false)
  })
})

describe('strait rm of an object', () => {
  it('refuses what a process has, and removes it when forced', async () => {
    const name = unique()
    const path = sharedMemory(name)
    const holder = await lasting('sh', ['-c', `exec 3<${path}; echo open; read line`])
    const { code, stdout, stderr } = await strait(['rm', `shm:/${name}`])
    expect(stderr).toContain(`rm shm:/${name}: process ${holder.pid} (sh) has it`)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(existsSync(path)).toBe(true)
    expect((await strait(['rm', '--force', `shm:/${name}`])).code).toBe(0)
    expect(existsSync(path)).toBe(false)
    await kill(holder)
  })

  it.skipIf(!has('ipcmk'))(
    'refuses what nobody can tell the use of, and removes it when forced',
    async () => {
      const id = /\d+/.exec(execFileSync('ipcmk', ['--semaphore', '2'], { encoding: 'utf8' }))![0]
      const name = `sysv-sem@${id}`
      const { code, stderr } = await strait(['rm', name])
      expect(stderr).toContain('the kernel does not tell who uses it')
      expect(code).toBe(1)
      expect(await listed(name)).toMatchObject({ state: 'unknown', details: '2 semaphores' })
      expect((await strait(['rm', '--force', name])).stdout).toBe(`removed ${name}\n`)
      expect(await listed(name)).toBeUndefined()
    },
  )

  it.skipIf(!isRoot)('refuses what another user owns (needs root to make it)', async () => {
    const name = unique()
    const path = sharedMemory(name)
    chownSync(path, 65534, 65534)
    const { code, stderr } = await strait(['rm', `shm:/${name}`])
    expect(stderr).toContain('it belongs to user 65534')
    expect(code).toBe(1)
    expect(existsSync(path)).toBe(true)
  })

  it.skipIf(!supported)('does not take an abstract name from its process, even when forced', async () => {
    const address = `seqpacket:${unique()}`
    const receiver = new Strait(['receive', address])
    await receiver.listening()
    const { code, stderr } = await strait(['rm', '--force', address])
    expect(stderr).toContain(`process ${receiver.child.pid}`)
    expect(stderr).toContain('the name goes when that ends')
    expect(code).toBe(1)
  })

  it('goes on after a refusal, and tells as JSON what became of each', async () => {
    const [there, missing] = [unique(), unique()]
    sharedMemory(there)
    const { code, stdout } = await strait(['rm', '--json', `shm:/${missing}`, `shm:/${there}`])
    expect(JSON.parse(stdout)).toEqual({
      removed: [{ name: `shm:/${there}` }],
      refused: [{ name: `shm:/${missing}`, reason: expect.stringContaining('no such object') }],
    })
    expect(code).toBe(1)
  })

  it('answers no name, or what cannot be one, with exit code 2, and removes nothing', async () => {
    expect((await strait(['rm'])).code).toBe(2)
    const name = unique()
    const path = sharedMemory(name)
    const { code, stderr } = await strait(['rm', `shm:/${name}`, 'jobs'])
    expect(stderr).toContain('rm jobs: not a name')
    expect(code).toBe(2)
    expect(existsSync(path)).toBe(true)
  })
})

describe.skipIf(!supported)('strait rm --dead', () => {
  const HOLDER = `
    import { execFileSync } from 'node:child_process'
    import { HeldRecord } from '${import.meta.resolve('@strait/rendezvous')}'
    const record = HeldRecord.create('test')
    const name = record.name + '-fifo'
    record.add({ kind: 'fifo', name })
    execFileSync('mkfifo', [record.directory + '/' + name])
    console.log('held')
    setInterval(() => {}, 1e6)`

  it('removes the records of killed processes with what they name, and nobody else’s', async () => {
    const directory = temporary()
    vi.stubEnv('XDG_RUNTIME_DIR', directory)
    const hold = () => lasting(process.execPath, ['--input-type=module', '-e', HOLDER])
    const dies = await hold()
    const lives = await hold()
    const records = async () =>
      JSON.parse((await strait(['ls', '--json'])).stdout).objects.filter(
        ({ kind }: { kind: string }) => kind === 'record',
      )
    expect(await records()).toMatchObject([{ state: 'in use' }, { state: 'in use' }])
    await kill(dies)
    const dead = (await records()).find(({ state }: { state: string }) => state === 'dead')
    expect(dead.details).toBe(`of fifo ${dead.name.slice('record:'.length)}-fifo`)

    expect((await strait(['rm', dead.name])).stderr).toContain('strait rm --dead removes it')
    const { code, stdout } = await removeDead('--json')
    expect(JSON.parse(stdout)).toEqual({
      removed: [{ name: dead.name, contents: [expect.stringContaining('fifo ')] }],
      refused: [],
    })
    expect(code).toBe(0)
    expect(await records()).toMatchObject([{ state: 'in use', holders: [{ pid: lives.pid }] }])
    expect(readdirSync(join(directory, 'strait'))).toHaveLength(2)

    await kill(lives)
    expect((await removeDead()).stdout).toMatch(/^removed record:[0-9a-f]+, fifo /)
    expect((await removeDead()).stdout).not.toContain('record:')
    expect(readdirSync(directory)).toEqual([])
  })
})
