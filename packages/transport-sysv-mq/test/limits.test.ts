import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const PROGRAM = fileURLToPath(new URL('./support/limited.mjs', import.meta.url))

// Queues of its own, and limits of its own.
const able = process.geteuid?.() === 0 && spawnSync('unshare', ['--ipc', 'true']).status === 0

describe.skipIf(!able)('the limits of sysv-mq: (needs root and unshare)', () => {
  /** What the program says where a setting has this value. */
  async function limited(setting: string, value: number, most = 1_000) {
    const home = mkdtempSync(join(tmpdir(), 'strait-sysv-mq-'))
    try {
      const child = spawn(
        'unshare',
        ['--ipc', process.execPath, PROGRAM, setting, String(value), String(most)],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: { ...process.env, XDG_RUNTIME_DIR: home },
        },
      )
      const [[status], said] = await Promise.all([once(child, 'exit'), text(child.stdout)])
      expect(status).toBe(0)
      return JSON.parse(said)
    } finally {
      rmSync(home, { recursive: true })
    }
  }

  it('a channel too many for the queues of the system is NO_RESOURCES at both ends, the others go on, and a close makes room', async () => {
    const said = await limited('msgmni', 7)
    expect(said).toMatchObject({ count: 3, again: 3, stillWork: true, another: true, records: [], queues: 0 })
    for (const [code, message] of [said.told, ...said.refusals]) {
      expect(code).toBe('ERR_STRAIT_NO_RESOURCES')
      expect(message).toContain('`sysctl kernel.msgmni`')
    }
    expect(said.told[1]).toMatch(/^connect sysv-mq:limited: the listener says: /)
    expect(said.refusals).toHaveLength(2)
  })

  it.each(['msgmax', 'msgmnb'])(
    'a %s that is too small for a packet is NO_RESOURCES at both ends',
    async (setting) => {
      const said = await limited(setting, 2047)
      expect(said).toMatchObject({ count: 0, records: [], queues: 0 })
      for (const [code, message] of [said.told, ...said.refusals]) {
        expect(code).toBe('ERR_STRAIT_NO_RESOURCES')
        expect(message).toContain(`kernel.${setting}`)
      }
    },
  )

  it.each(['msgmax', 'msgmnb'])('a %s of one packet is enough', async (setting) => {
    expect(await limited(setting, 2048, 5)).toMatchObject({
      count: 5,
      stillWork: true,
      another: true,
      queues: 0,
    })
  })
})
