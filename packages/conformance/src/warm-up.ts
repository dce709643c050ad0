import { mkdtempSync, rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAddress } from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import type { Subject } from './suite.js'

/** Where to warm up: outside the directory of any test. Who warms up there removes it. */
export interface WarmUpPlace {
  readonly directory: string
  readonly address: string
}

/** Undefined for a transport without addresses. */
export function warmUpPlace({ address, transport }: Subject): WarmUpPlace | undefined {
  if (address === undefined || transport.capabilities.scope === 'process') return undefined
  const directory = mkdtempSync(join(tmpdir(), 'strait-suite-'))
  return { directory, address: address(directory, 'warm') }
}

/** Starts whatever this process starts on first use and keeps: libuv's pool, threads of a library. */
export async function warmUp(transport: PeerTransport, place: WarmUpPlace | undefined): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, () => stat('/')))
  if (place === undefined) return
  const listener = await transport.listen!(parseAddress(place.address, 'listen'))
  const channel = await transport.connect!(listener.url)
  channel.abort()
  await listener.close()
  rmSync(place.directory, { recursive: true })
}
