import { loadTransport, parseAddress, peerSchemes, StraitError, schemeOf } from 'strait'
import { complain } from './terminal.js'

/** The addresses for `spawnPeer` that were asked for, once they are known to exist; without any, all that there are. */
export async function peerAddresses(urls: readonly string[] | undefined): Promise<readonly string[]> {
  if (urls === undefined) {
    const missing: StraitError[] = []
    const found = await peerSchemes((error) => missing.push(error))
    // What is missing for one reason is said once.
    for (const reason of new Set(missing.map(({ reason }) => reason))) {
      const addresses = missing.filter((error) => error.reason === reason).map(({ url }) => url)
      complain(`left out ${addresses.join(' ')} ${reason}`)
    }
    return found.map((scheme) => `${scheme}:`)
  }
  for (const url of urls) await loadTransport(schemeOf(url, 'spawn'), 'spawn', url)
  return urls
}

/** Collects the values of an option that may be given several times. */
export function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value]
}

/** Refuses an address that no other process could reach. */
export async function checkReachable(address: string, operation: 'listen' | 'connect'): Promise<void> {
  const url = parseAddress(address, operation)
  const { capabilities } = await loadTransport(schemeOf(url, operation), operation, url)
  if (capabilities.scope !== 'process') return
  const reason = `${url.protocol} does not leave its process, and this command is a process of its own`
  throw new StraitError('NOT_SUPPORTED', reason, { operation, url })
}
