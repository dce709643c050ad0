import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const PROGRAM = fileURLToPath(new URL('./support/limited.mjs', import.meta.url))
const SPAWNER = fileURLToPath(new URL('./support/spawner.mjs', import.meta.url))
const USER = 54_322

// A user and names of its own: what others have at the same time counts against the same limits.
const ALONE = ['unshare', '--ipc', 'setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups']
const works = (...command: string[]) => spawnSync(command[0]!, command.slice(1)).status === 0
const able = process.geteuid?.() === 0 && works('prlimit', '--msgqueue=819200', ...ALONE, 'true')

/** What the program says as a user with this limit, where there are so many small queues already. */
async function limited(limit: string, occupied = 0, program = PROGRAM) {
  const home = mkdtempSync(join(tmpdir(), 'strait-mq-'))
  chownSync(home, USER, USER)
  chmodSync(home, 0o700)
  try {
    const [command = '', ...args] = ['prlimit', limit, ...ALONE, process.execPath, program, String(occupied)]
    const env = { ...process.env, XDG_RUNTIME_DIR: home }
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
    const [[status], said] = await Promise.all([once(child, 'exit'), text(child.stdout)])
    expect(status).toBe(0)
    return JSON.parse(said)
  } finally {
    rmSync(home, { recursive: true })
  }
}

describe.skipIf(!able)('the limits of mq: (needs root, unshare, setpriv and prlimit)', () => {
  const WELL = { stillWork: true, another: true, more: 0, records: [] }

  /** Both sides are told, the one who connects in the listener's words. */
  function expectTold(said: Awaited<ReturnType<typeof limited>>, limit: string): void {
    expect(said).toMatchObject({ ...WELL, again: said.count })
    for (const [code, message] of [said.told, ...said.refusals]) {
      expect(code).toBe('ERR_STRAIT_NO_RESOURCES')
      expect(message).toContain(limit)
    }
    expect(said.told[1]).toMatch(/^connect mq:limited: the listener says: /)
    expect(said.refusals).toHaveLength(2)
  }

  it('a channel too many for the bytes of a user is NO_RESOURCES, the others go on, and a close makes room', async () => {
    const said = await limited('--msgqueue=20000')
    expectTold(said, '`ulimit -q`')
    expect(said.count).toBe(1)
  })

  it('a spawnPeer that meets one names it, though of the peer it only learns that it has ended', async () => {
    const said = await limited('--msgqueue=1000', 0, SPAWNER)
    expect(said).toEqual(['ERR_STRAIT_NO_RESOURCES', expect.stringMatching(/^spawn mq:: .*`ulimit -q`/)])
  })

  it('the default of 819,200 bytes is enough for forty channels', async () => {
    const said = await limited('--msgqueue=819200')
    expectTold(said, '`ulimit -q`')
    expect(said.count).toBeGreaterThanOrEqual(40)
  })

  it('a channel too many for the queues of the system is NO_RESOURCES too', async () => {
    const said = await limited('--msgqueue=819200', 256 - 7)
    expectTold(said, '`sysctl fs.mqueue.queues_max`')
    expect(said.count).toBe(3)
  })
})
