import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { supported } from '@strait/posix'
import { expect, it } from 'vitest'

const strait = new URL('../dist/index.js', import.meta.url).href

// Node's module loader looks at the last answer of fs.lstatSync and its kin, whoever asked.
const cases = ['unix:DIR/a', ...(supported ? ['fifo:loading', 'seqpacket:loading?at=DIR/a'] : [])].flatMap(
  (address) => [
    { address, meet: false, what: 'listen' },
    { address, meet: true, what: 'connect' },
  ],
)

it.each(cases)(
  'modules that nobody has loaded yet still load after $what of $address',
  ({ address, meet }) => {
    const directory = mkdtempSync(join(tmpdir(), 'strait-loading-'))
    const program = `
    import { connect, listen, loadTransport } from ${JSON.stringify(strait)}
    const listener = await listen(${JSON.stringify(address.replace('DIR', directory))})
    const channel = ${meet ? 'await connect(listener.url)' : 'undefined'}
    await loadTransport('zmq+ipc')
    channel?.abort()
    await listener.close()`
    // What the runner was started with may find modules in other ways.
    const { NODE_PATH: _, ...env } = process.env
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      env,
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    rmSync(directory, { recursive: true })
  },
)
