import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { PidFd } from '../src/index.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const children: ChildProcess[] = []
/** A process that lives until it is killed, with its end as a promise. */
function sleeper(): { pid: number; gone: Promise<unknown[]> } {
  const child = spawn('sleep', ['infinity'], { stdio: 'ignore' })
  children.push(child)
  return { pid: child.pid!, gone: once(child, 'exit') }
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

describe('PidFd', () => {
  it('tells when the process has ended, in every form', async () => {
    const { pid, gone } = sleeper()
    using process = PidFd.open(pid)
    expect(process.pid).toBe(pid)
    expect(process.tryWait()).toBe(false)
    expect(() => process.waitSync({ timeout: 60 })).toThrow(code('TIMEOUT'))
    const waiting = [process.wait(), process.wait()]
    process.kill()
    await Promise.all(waiting)
    expect(process.tryWait()).toBe(true)
    await process.wait()
    process.waitSync()
    expect((await gone)[1]).toBe('SIGTERM')
  })

  it('blocks until the process has ended', async () => {
    const { pid } = sleeper()
    using process = PidFd.open(pid)
    process.kill('SIGKILL')
    // The thread is blocked, so the parent asks for no exit code meanwhile: it has ended all the same.
    process.waitSync()
    expect(process.tryWait()).toBe(true)
  })

  it('waits for a process that is not a child of this one', async () => {
    const parent = spawn('sh', ['-c', 'sleep infinity & echo $!; wait'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    children.push(parent)
    const [line] = await once(parent.stdout, 'data')
    using grandchild = PidFd.open(Number(String(line)))
    const ended = grandchild.wait()
    grandchild.kill('SIGKILL')
    await ended
  })

  it('sends signals by name and by number, and asks with 0', async () => {
    const { pid, gone } = sleeper()
    using process = PidFd.open(pid)
    process.kill(0)
    process.kill('SIGSTOP')
    process.kill('SIGCONT')
    expect(process.tryWait()).toBe(false)
    process.kill(9)
    expect((await gone)[1]).toBe('SIGKILL')
    for (const signal of [-1, 65, 1.5, 'SIGNOTHING' as 'SIGTERM'])
      expect(() => process.kill(signal)).toThrow(TypeError)
  })

  it('reaches nobody once the process is gone, whoever has its number then', async () => {
    const { pid, gone } = sleeper()
    using process = PidFd.open(pid)
    process.kill('SIGKILL')
    await gone
    expect(() => process.kill(0)).toThrow(code('REFUSED'))
    expect(() => process.kill('SIGKILL')).toThrow(/the process has ended \(ESRCH\)/)
    expect(() => PidFd.open(pid)).toThrow(code('REFUSED'))
    await process.wait()
  })

  it('refuses what is no process', async () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31]) expect(() => PidFd.open(pid)).toThrow(RangeError)
    expect(() => PidFd.open(2 ** 31 - 1)).toThrow(code('REFUSED'))
    const worker = new Worker(
      'require("worker_threads").parentPort.once("message", () => {}).postMessage(require("fs").readlinkSync("/proc/thread-self"))',
      { eval: true },
    )
    const [path] = await once(worker, 'message')
    expect(() => PidFd.open(Number(String(path).split('/').pop()))).toThrow(/it is a thread/)
    await worker.terminate()
  })

  it('an aborted wait ends, and the process goes on', async () => {
    const { pid } = sleeper()
    using process = PidFd.open(pid)
    const controller = new AbortController()
    const waiting = process.wait({ signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    expect(process.tryWait()).toBe(false)
  })

  it('closed, serves nobody any more', async () => {
    const { pid } = sleeper()
    const process = PidFd.open(pid)
    const waiting = process.wait()
    process.close()
    process.close()
    await expect(waiting).rejects.toEqual(code('CLOSED'))
    await expect(process.wait()).rejects.toEqual(code('CLOSED'))
    for (const use of [
      () => process.tryWait(),
      () => process.waitSync(),
      () => process.kill(0),
      () => process.descriptor,
    ])
      expect(use).toThrow(code('CLOSED'))
  })

  const setpriv = spawnSync('setpriv', ['--reuid=65534', 'true'], { stdio: 'ignore' }).status === 0
  it.skipIf(!setpriv)("does not signal another user's process (skipped unless root, with setpriv)", () => {
    const program =
      "import('@strait/posix').then(({ PidFd }) => PidFd.open(1).kill(0)).catch((e) => console.log(e.code))"
    const args = ['--reuid=65534', '--clear-groups', process.execPath, '--input-type=module', '-e', program]
    const cwd = new URL('.', import.meta.url)
    expect(spawnSync('setpriv', args, { cwd, encoding: 'utf8' }).stdout.trim()).toBe('ERR_STRAIT_PERMISSION')
  })
})
