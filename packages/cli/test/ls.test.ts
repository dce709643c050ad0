import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  has,
  isRoot,
  kill,
  lasting,
  listed,
  mayMount,
  sharedMemory,
  temporary,
  unique,
  withoutAddon,
} from './objects.js'
import { Strait, strait } from './strait.js'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

afterEach(() => vi.unstubAllEnvs())

describe('strait ls', () => {
  it.skipIf(!supported)('shows a listener under its address, with the process that holds it', async () => {
    const address = `seqpacket:${unique()}`
    const receiver = new Strait(['receive', address])
    await receiver.listening()
    expect(await listed(address)).toEqual({
      name: address,
      kind: 'listener',
      state: 'in use',
      uid: process.geteuid!(),
      holders: [{ pid: receiver.child.pid, command: expect.any(String) }],
    })
    receiver.child.kill()
    await receiver.outcome
    expect(await listed(address)).toBeUndefined()
  })

  it('shows a socket file under the path that it has got, not the one it was bound to', async () => {
    const directory = temporary()
    const receiver = new Strait(['receive', `unix:${directory}/a.sock`])
    await receiver.listening()
    expect(await listed(`unix:${directory}/a.sock`)).toMatchObject({
      kind: 'socket',
      state: 'in use',
      holders: [{ pid: receiver.child.pid }],
    })
  })

  it.skipIf(!has('ss'))('tells socket files in one directory apart', async () => {
    const directory = temporary()
    const names = ['a', 'b'].map((name) => `unix:${directory}/${name}.sock`)
    const receivers = names.map((name) => new Strait(['receive', name]))
    for (const receiver of receivers) await receiver.listening()
    for (const [index, name] of names.entries()) {
      expect((await listed(name))?.holders).toMatchObject([{ pid: receivers[index]!.child.pid }])
    }
  })

  it('names the only socket file of a directory without `ss`, and says when it cannot tell', async () => {
    const directory = temporary()
    const receivers = [new Strait(['receive', `unix:${directory}/a.sock`])]
    await receivers[0]!.listening()
    vi.stubEnv('PATH', temporary())
    expect(await listed(`unix:${directory}/a.sock`)).toMatchObject({ state: 'in use' })
    receivers.push(new Strait(['receive', `unix:${directory}/b.sock`]))
    await receivers[1]!.listening()
    expect(await listed(`unix:${directory}/a.sock`)).toBeUndefined()
    const { notes } = JSON.parse((await strait(['ls', '--json'])).stdout)
    expect(notes).toContainEqual(
      expect.objectContaining({ problem: expect.stringMatching(/^\d+ unix: listeners are left out/) }),
    )
  })

  it('shows named shared memory, and whether somebody has it', async () => {
    const name = unique()
    const path = sharedMemory(name)
    const unused = { kind: 'shm', state: 'unused', bytes: 4096, uid: process.geteuid!(), holders: [] }
    expect(await listed(`shm:/${name}`)).toMatchObject(unused)
    const holder = await lasting('sh', ['-c', `exec 3<${path}; echo open; read line`])
    expect(await listed(`shm:/${name}`)).toMatchObject({ state: 'in use', holders: [{ pid: holder.pid }] })
    await kill(holder)
    expect(await listed(`shm:/${name}`)).toMatchObject(unused)
  })

  it.skipIf(!has('python3'))(
    'knows who has a semaphore mapped whose descriptor is closed and whose name is another',
    async () => {
      const name = unique()
      const path = sharedMemory(`sem.${name}`, 32)
      const source = `
import mmap, os, sys
os.link("${path}", "${path}-first")
descriptor = os.open("${path}-first", os.O_RDWR)
memory = mmap.mmap(descriptor, 32)
os.close(descriptor)
os.unlink("${path}-first")
print(os.getpid(), flush=True)
sys.stdin.read()`
      const holder = await lasting('python3', ['-c', source])
      const { kind, state, holders } = (await listed(`sem:/${name}`))!
      expect({ kind, state }).toEqual({ kind: 'sem', state: 'in use' })
      expect(holders).toHaveLength(1)
      await kill(holder)
    },
  )

  it('writes a name so that it stays on one line, and takes it back', async () => {
    const name = `${unique()} a\nb%`
    sharedMemory(name)
    const encoded = `shm:/${encodeURIComponent(name)}`
    expect(await listed(encoded)).toMatchObject({ kind: 'shm' })
    expect((await strait(['rm', encoded])).stdout).toBe(`removed ${encoded}\n`)
    expect(await listed(encoded)).toBeUndefined()
  })

  it.skipIf(!has('ipcmk'))('shows System V objects by their numbers', async () => {
    const id = /\d+/.exec(execFileSync('ipcmk', ['--shmem', '12288'], { encoding: 'utf8' }))![0]
    try {
      expect(await listed(`sysv-shm@${id}`)).toMatchObject({ state: 'unused', bytes: 12288 })
    } finally {
      execFileSync('ipcrm', ['--shmem-id', id])
    }
    expect(await listed(`sysv-shm@${id}`)).toBeUndefined()
  })

  it.skipIf(!mayMount())('shows POSIX queues where they are mounted (needs the right to mount them)', () => {
    const script = `
mount -t mqueue none "$1"
touch "$1/jobs"
exec 3<"$1/jobs"
exec "$2" "$3" ls --json`
    const queues = join(temporary(), 'mqueue')
    mkdirSync(queues)
    const args = ['--mount', '--ipc', 'sh', '-c', script, 'sh', queues, process.execPath, MAIN]
    const { objects, notes } = JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' }))
    // The shell has become the command, which has the queue open.
    expect(objects).toContainEqual(
      expect.objectContaining({ name: 'mq:/jobs', kind: 'mq', state: 'in use', bytes: 0 }),
    )
    expect(JSON.stringify(notes)).not.toContain('mqueue')
  })

  it.skipIf(!isRoot)('shows what another user has only with --all (needs root to make it)', async () => {
    const name = unique()
    chownSync(sharedMemory(name), 65534, 65534)
    expect(await listed(`shm:/${name}`)).toBeUndefined()
    expect(await listed(`shm:/${name}`, '--all')).toMatchObject({ uid: 65534 })
  })

  it('prints a table', async () => {
    const name = unique()
    sharedMemory(name)
    const { code, stdout, stderr } = await strait(['ls'])
    expect(stdout).toMatch(/^ {2}name +state +bytes +owner/m)
    expect(stdout).toMatch(new RegExp(`^ {2}shm:/${name} +unused +4,096 `, 'm'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('works without the addon, and says what it does not see then', async () => {
    const directory = temporary()
    vi.stubEnv('XDG_RUNTIME_DIR', directory)
    mkdirSync(join(directory, 'strait'), { mode: 0o700 })
    execFileSync('touch', [join(directory, 'strait/0123.record')])
    vi.stubEnv('NODE_OPTIONS', withoutAddon())
    const name = unique()
    sharedMemory(name)
    const { code, stdout } = await strait(['ls', '--json'])
    const { objects, notes } = JSON.parse(stdout)
    expect(objects).toContainEqual(expect.objectContaining({ name: `shm:/${name}` }))
    expect(notes).toContainEqual({
      problem: expect.stringContaining(`the records in ${directory}/strait are not shown: the native addon`),
    })
    expect(code).toBe(0)
  })
})
