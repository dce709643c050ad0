import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('C10 code of the command line starts a peer, which does not run that code again', async () => {
  const peer = fileURLToPath(new URL('./support/peer.mjs', import.meta.url))
  const code = `
    const { spawnPeer } = await import(${JSON.stringify(import.meta.resolve('../dist/index.js'))})
    const peer = await spawnPeer('unix:', ${JSON.stringify(peer)}, { args: ['echo'] })
    console.log(peer.process.spawnargs.slice(1).join(' '))
    peer.kill('SIGKILL')
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
  expect(stdout).toBe(`${peer} echo\n`)
}, 30_000)
