import { loadTransport, parseAddress, StraitError, schemes } from 'strait'

/** Every transport's address for `spawnPeer`. */
export const allSchemes: readonly string[] = schemes.map((scheme) => `${scheme}:`)

/** Collects the values of an option that may be given several times. */
export function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value]
}

/** Refuses a scheme that does not exist, before anything is started. */
export async function checkScheme(address: string): Promise<void> {
  const url = parseAddress(address, 'spawn')
  await loadTransport(url.protocol.slice(0, -1), 'spawn', url)
}

/** Refuses an address that no other process could reach. */
export async function checkReachable(address: string, operation: 'listen' | 'connect'): Promise<void> {
  const url = parseAddress(address, operation)
  const { capabilities } = await loadTransport(url.protocol.slice(0, -1), operation, url)
  if (capabilities.scope !== 'process') return
  const reason = `${url.protocol} does not leave its process, and this command is a process of its own`
  throw new StraitError('NOT_SUPPORTED', reason, { operation, url })
}
