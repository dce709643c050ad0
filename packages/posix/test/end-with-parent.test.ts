import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { PidFd } from '../src/index.js'

const program = fileURLToPath(new URL('support/child-of.mjs', import.meta.url))
const opened: { parent?: ChildProcess; child?: PidFd } = {}

afterEach(() => {
  opened.parent?.kill('SIGKILL')
  if (opened.child?.tryWait() === false) opened.child.kill('SIGKILL')
  opened.child?.close()
})

/** A parent and its child, which spins. */
async function family(starter: string) {
  const parent = spawn(process.execPath, [program, starter], { stdio: ['pipe', 'pipe', 'inherit'] })
  opened.parent = parent
  const [line] = await once(parent.stdout!, 'data')
  const child = PidFd.open(Number(String(line)))
  opened.child = child
  expect(child.tryWait()).toBe(false)
  return { parent, child }
}

describe('a process that ends with its parent', () => {
  it('ends when the parent is killed, in the middle of an endless loop', async () => {
    const { parent, child } = await family('process')
    parent.kill('SIGKILL')
    await child.wait()
  })

  it('ends when only the thread ends that has started it', async () => {
    const { parent, child } = await family('thread')
    parent.stdin!.write('end it')
    await child.wait()
    expect(parent.exitCode).toBeNull()
    const exited = once(parent, 'exit')
    parent.stdin!.end()
    expect((await exited)[0]).toBe(0)
  })
})
