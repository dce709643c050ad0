import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createClient, RemoteError } from '@strait/rpc'
import { listen } from 'strait'
import { expect, it } from 'vitest'

const run = promisify(execFile)
const hasPython = spawnSync('python3', ['--version']).status === 0
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

it('rpc: functions of another process say what the page says', async () => {
  const { stdout, stderr } = await run(process.execPath, [path('../examples/dist/rpc/main.js')])
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'fib: 10946 17711 28657',
    'reversed: 3 2 1',
    'primes: 2 3 5 7 11 13 17 19 23 29',
    'true: thrown in the child',
    'ERR_STRAIT_TIMEOUT',
    'ERR_STRAIT_RESET',
  ])
})

it.skipIf(!hasPython)(
  'rpc: functions of a Python program are called, and what it raises is thrown',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'strait-test-'))
    const listener = await listen(`unix:${folder}/calls`)
    const program = path('../packages/rpc/test/support/peer.py')
    const python = spawn('python3', ['-B', program, listener.url.href], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const ended = once(python, 'exit')
    try {
      const channel = (await listener.accept())!
      const client = createClient<{ add(a: unknown, b: unknown): unknown; missing(): void }>(channel)
      expect(await Promise.all([client.add(1, 2), client.add('a', 'b')])).toEqual([3, 'ab'])
      const error = await client.add(1, 'b').then(String, (reason) => reason)
      expect(error).toBeInstanceOf(TypeError)
      await expect(client.missing()).rejects.toBeInstanceOf(RemoteError)
      await channel.close()
      expect(await ended).toEqual([0, null])
    } finally {
      python.kill()
      await listener.close()
      rmSync(folder, { recursive: true })
    }
  },
)
