import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { type Capabilities, loadTransport, schemes } from 'strait'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = readdirSync(join(root, 'packages'))
const transports = packages.filter((name) => name.startsWith('transport-'))
const manifest = (name: string) =>
  JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return sources(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })
}

/** Who may import whom. A package that is not listed may import core only. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  conformance: ['core'],
  rendezvous: ['core', 'posix'],
  sync: ['core', 'posix'],
  'transport-unix': ['core', 'posix'],
  'transport-pipe': ['core', 'posix', 'rendezvous'],
  'transport-fifo': ['core', 'posix', 'rendezvous'],
  'transport-seqpacket': ['core', 'posix', 'rendezvous'],
  'transport-signal': ['core', 'posix', 'rendezvous'],
  'transport-mq': ['core', 'posix', 'rendezvous'],
  'transport-sysv-mq': ['core', 'posix', 'rendezvous'],
  'transport-sem': ['core', 'posix', 'rendezvous'],
  'transport-shm': ['core', 'posix', 'rendezvous'],
  rpc: ['core'],
  strait: ['core', ...transports],
  pool: ['core', 'posix', 'rpc', 'strait'],
  bench: ['core', 'pool', 'posix', 'strait', 'sync'],
  report: ['bench'],
  cli: ['core', 'strait', 'bench', 'report', 'posix', 'rendezvous', 'sync'],
}

/** Which capability may be absent, and for whom; nobody passes the suite by declaring more absent. */
const MAY_LACK: Partial<Record<keyof Capabilities, readonly string[]>> = {
  detectsPeerDeath: ['mem'],
  survivesSenderDeath: ['mem', 'zmq+tcp', 'zmq+ipc'],
  deliversAfterPeerDeath: [],
  // A pipe has nobody at its end whom the kernel knows; the others do not ask.
  peerCredentials: [
    'mem',
    'pipe',
    ...(supported ? [] : ['unix']),
    'tcp',
    'fork',
    'worker',
    'ws',
    'wss',
    'zmq+tcp',
    'zmq+ipc',
  ],
  private: ['tcp', 'ws', 'wss', 'zmq+tcp'],
  sync: schemes.filter(
    (scheme) => !['pipe', 'fifo', 'signal', 'mq', 'sysv-mq', 'sem', 'shm', 'seqpacket'].includes(scheme),
  ),
  // A child's one channel is its main thread's; for ZeroMQ docs/adr/0005-zmq-main-thread.md.
  threads: ['fork', 'zmq+tcp', 'zmq+ipc'],
}

/** Without the native addon there are fewer. */
const loadable: string[] = []
for (const scheme of schemes)
  await loadTransport(scheme).then(
    () => loadable.push(scheme),
    () => {},
  )

describe('the layout', () => {
  it.each(transports)('%s runs the conformance suite, in under 15 lines', (name) => {
    const path = join(root, 'packages', name, 'test/conformance.test.ts')
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines.length).toBeLessThan(15)
    expect(lines.join('\n')).toContain("from '@strait/conformance'")
  })

  it.each(transports)('%s has a page, an address test where it has addresses, and a scheme', (name) => {
    const mechanism = name.replace('transport-', '')
    expect(existsSync(join(root, 'packages', name, 'README.md'))).toBe(true)
    expect(schemes.some((scheme) => scheme.split('+')[0] === mechanism)).toBe(true)
    expect(existsSync(join(root, 'examples', mechanism, 'main.ts'))).toBe(true)
    const hasAddress = existsSync(join(root, 'packages', name, 'src/address.ts'))
    expect(existsSync(join(root, 'packages', name, 'test/address.test.ts'))).toBe(hasAddress)
  })

  it('core depends on nothing, and what a browser gets of it imports nothing of Node', () => {
    expect(manifest('core').dependencies).toBeUndefined()
    const imports = sources(join(root, 'packages/core/src'))
      .filter((path) => !path.includes('/src/node/'))
      .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/from '([^']+)'/g)].map(([, from]) => from!))
    expect(imports.filter((from) => !/^\.\/[a-z-]+\.js$/.test(from))).toEqual([])
  })

  it.each(packages)('%s imports only downwards', (name) => {
    const allowed = (MAY_IMPORT[name] ?? ['core']).map((other) =>
      other === 'strait' ? other : `@strait/${other}`,
    )
    const { dependencies = {} } = manifest(name)
    const ours = Object.keys(dependencies).filter(
      (other) => other === 'strait' || other.startsWith('@strait/'),
    )
    expect(ours.filter((other) => !allowed.includes(other))).toEqual([])
  })

  it.each(
    loadable.flatMap((scheme) =>
      Object.entries(MAY_LACK).map(([key, lacking]) => ({ scheme, key, lacking })),
    ),
  )('$scheme lacks $key only if it may', async ({ scheme, key, lacking }) => {
    const { capabilities } = await loadTransport(scheme)
    if (!capabilities[key as keyof Capabilities]) expect(lacking).toContain(scheme)
    else expect(lacking).not.toContain(scheme)
  })

  it('no file is so long that it must be doing more than one thing', () => {
    const long = packages
      .flatMap((name) => sources(join(root, 'packages', name, 'src')))
      .map((path) => ({ path, lines: readFileSync(path, 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > 450)
    expect(long).toEqual([])
  })
})
