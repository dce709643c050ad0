import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const PROGRAM = fileURLToPath(new URL('./support/exhausted.mjs', import.meta.url))

/** Runs the program with few descriptors, and in a process group of its own, which it must not kill. */
async function exhausted(address: string, spare: number) {
  const script = 'ulimit -n 80; exec "$0" "$@"'
  const args = ['-c', script, process.execPath, PROGRAM, address, String(spare)]
  const child = spawn('sh', args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    said += piece
  })
  const [code, signal] = await once(child, 'close')
  return { said: said.trim(), code, signal }
}

describe.each(['unix:', 'tcp:', 'fork:'])('spawnPeer over %s without descriptors', (address) => {
  it.each([0, 1, 2, 3, 4])('%i to spare: NO_RESOURCES, and nobody is killed', async (spare) => {
    const { said, code, signal } = await exhausted(address, spare)
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    // The one who had enough got as far as its entry, which throws.
    expect(['ERR_STRAIT_NO_RESOURCES', 'ERR_STRAIT_RESET']).toContain(said)
    if (spare === 0) expect(said).toBe('ERR_STRAIT_NO_RESOURCES')
  })
})
