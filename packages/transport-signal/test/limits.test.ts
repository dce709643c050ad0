import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { nothingIsLeft, two, utf8 } from './support/ends.js'

nothingIsLeft()

const BOTH_WAYS = fileURLToPath(new URL('support/both-ways.mjs', import.meta.url))
/** A user who has nothing pending: the limit counts all processes of one. */
const SOMEBODY = ['setpriv', '--reuid=61234', '--regid=61234', '--clear-groups']
const missing = (command: string) => spawnSync(command, ['--version']).status !== 0
const unable = process.geteuid?.() !== 0 || missing('setpriv') || missing('prlimit')

/** A program in which, and in whose children, so many signals may be pending. */
function limited(pending: number, ...args: string[]) {
  const [command = '', ...rest] = [
    ...SOMEBODY,
    'prlimit',
    `--sigpending=${pending}`,
    process.execPath,
    ...args,
  ]
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  return spawnSync(command, rest, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

describe.skipIf(unable)('RLIMIT_SIGPENDING (skipped unless root, with setpriv and prlimit)', () => {
  it.each([20, 1])(
    'of %i slows messages of 64 KiB down that go both ways at once, and loses none',
    (most) => {
      for (const how of [[], ['sync']]) {
        const { status, stdout } = limited(most, BOTH_WAYS, ...how)
        expect([status, stdout]).toEqual([0, 'every byte came, the other one ended with 0\n'])
      }
    },
  )

  it('of 0 is NO_RESOURCES, with the command that shows it', () => {
    const program = `import { signal } from '@strait/transport-signal'
      for (const verb of ['listen', 'connect'])
        await signal[verb](new URL('signal:limit')).catch((error) => console.log(error.code + ' ' + error.message))`
    const { stdout } = limited(0, '--input-type=module', '-e', program)
    const lines = stdout.trim().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line).toMatch(/^ERR_STRAIT_NO_RESOURCES .*`ulimit -i`/)
  })
})

describe('a channel that nobody reads', () => {
  it('does not stop another one of the same thread', async () => {
    const [, unread] = await two()
    while (unread.trySend(new Uint8Array(1000)));
    const [near, far] = await two()
    const message = new Uint8Array(64 * 1024).map((_, index) => index)
    const received = far.receive()
    await near.send(message)
    expect(Buffer.compare((await received)!, message)).toBe(0)
    await near.send(utf8('again'))
    expect(await far.receive()).toEqual(utf8('again'))
  })
})
