import { StraitError } from '@strait/core'
import type { PeerTransport } from '@strait/core/node'

/** Every transport, loaded on first use. */
const LOADERS: Record<string, () => Promise<PeerTransport>> = {
  mem: async () => (await import('@strait/core')).mem,
  unix: async () => (await import('@strait/transport-unix')).unix,
  tcp: async () => (await import('@strait/transport-tcp')).tcp,
  fork: async () => (await import('@strait/transport-fork')).fork,
  worker: async () => (await import('@strait/transport-worker')).worker,
}

/** The schemes that there are. */
export const schemes: readonly string[] = Object.keys(LOADERS)

/**
 * The transport of a scheme.
 *
 * - Errors: `ADDRESS_INVALID` there is no such scheme.
 */
export async function loadTransport(
  scheme: string,
  operation = 'load',
  url?: URL | string,
): Promise<PeerTransport> {
  const load = Object.hasOwn(LOADERS, scheme) ? LOADERS[scheme] : undefined
  if (load !== undefined) return load()
  const reason = `there is no transport '${scheme}:'; there are ${schemes.map((known) => `${known}:`).join(' ')}`
  throw new StraitError('ADDRESS_INVALID', reason, { operation, url: url ?? `${scheme}:` })
}
