import { mkdtempSync, rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAddress } from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import type { Subject } from './suite.js'

let directory: string | undefined
let addresses = 0

/** An address to warm up at, outside the directory of any test; undefined for a transport without addresses. */
export function warmUpAddress({ address, transport }: Subject): string | undefined {
  if (address === undefined || transport.capabilities.scope === 'process') return undefined
  if (directory === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'strait-suite-'))
    directory = made
    process.once('exit', () => rmSync(made, { recursive: true }))
  }
  return address(directory, `w${addresses++}`)
}

/** Starts whatever this process starts on first use and keeps: libuv's pool, threads of a library. */
export async function warmUp(transport: PeerTransport, address: string | undefined): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, () => stat('/')))
  if (address === undefined) return
  const listener = await transport.listen!(parseAddress(address, 'listen'))
  const channel = await transport.connect!(listener.url)
  channel.abort()
  await listener.close()
}
