// The long campaigns: thousands of kills of every transport, of either end and of both, gigabytes both ways at once, and a
// million messages with a page in Chromium. Then nothing may be left in the system. Prints what it uses, so that the same
// run can be made again. Run it alone: it takes the names of another suite that runs meanwhile for its own.
//
//   node scripts/soak.mjs [kills] [seed] [scheme …]      default: 1,000 a transport, a seed of today, every scheme
//   node scripts/soak.mjs locks [kills] [seed]           the locks: soak-locks.mjs
//   node scripts/soak.mjs pool [kills] [seed]            the pool: soak-pool.mjs
//   node scripts/soak.mjs proofs                         the models, and what a round trip calls: soak-proofs.mjs

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

if (['locks', 'pool', 'proofs'].includes(process.argv[2])) {
  const campaign = fileURLToPath(new URL(`soak-${process.argv[2]}.mjs`, import.meta.url))
  const { status } = spawnSync(process.execPath, [campaign, ...process.argv.slice(3)], { stdio: 'inherit' })
  process.exit(status ?? 1)
}

const root = fileURLToPath(new URL('..', import.meta.url))
const [kills = '1000', seed = String(Math.floor(Date.now() / 86_400_000)), ...schemes] = process.argv.slice(2)
const which = schemes.length === 0 ? 'every transport' : schemes.map((scheme) => `${scheme}:`).join(' ')
console.log(
  `soak: ${kills} kills, and as many of both ends, of ${which}; seed ${seed}, Node ${process.version}, ${new Date().toISOString()}`,
)

// A place of its own for files and records, so that what is left there is ours. Its name is the mark of our processes.
const directory = mkdtempSync(join(tmpdir(), 'strait-soak-'))
process.once('exit', () => rmSync(directory, { recursive: true }))
const { XDG_RUNTIME_DIR: _, ...environment } = process.env
const env = {
  ...environment,
  TMPDIR: directory,
  STRAIT_SOAK: directory,
  STRAIT_KILLS: kills,
  STRAIT_SEED: seed,
  NO_COLOR: '1',
}
const before = inSystem()
campaign(conformanceTests(), '--testNamePattern', 'killed processes leave nothing')
const over = schemes.map((scheme) => scheme.replace('+', '\\+')).join('|')
campaign(
  ['packages/strait/test/soak.test.ts'],
  ...(over === '' ? [] : ['--testNamePattern', `over (${over}):`]),
)
if (schemes.length === 0) campaign(['packages/transport-ws/test/browser.test.ts'])

const left = inSystem().filter((object) => !before.includes(object))
for (const object of left) console.error(`soak: left behind: ${object}`)
if (left.length > 0) process.exit(1)
console.log('soak: nothing is left in the system')

/** The suites of the transports of these schemes. */
function conformanceTests() {
  if (schemes.length === 0) return ['conformance.test.ts']
  const packages = schemes.map((scheme) => scheme.split('+')[0].replace('wss', 'ws'))
  return [...new Set(packages)].map((name) => `packages/transport-${name}/test/`)
}

function campaign(files, ...options) {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout', '0', ...files, ...options]
  const { status } = spawnSync(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

/**
 * What killed processes of the suite can have left, in words: files and records, names of sockets, shared memory, queues,
 * semaphores, and processes. System V objects say not whose they are: any new one counts.
 */
function inSystem() {
  return [
    ...listed(directory)
      .filter((name) => name.startsWith('strait-'))
      .map((name) => `file ${name} (${listed(join(directory, name))})`),
    ...lines('/proc/net/unix').flatMap((line) => /@strait\/.*\/(?:strait-suite|spawn)-.*/.exec(line) ?? []),
    ...['/dev/shm', '/dev/mqueue'].flatMap((place) =>
      listed(place)
        .filter((name) => name.startsWith('strait-'))
        .map((name) => join(place, name)),
    ),
    ...['shm', 'sem', 'msg'].flatMap((kind) =>
      lines(`/proc/sysvipc/${kind}`)
        .slice(1)
        .map((line) => `System V ${kind} ${line.trim().split(/\s+/)[1]}`),
    ),
    ...listed('/proc')
      .filter((name) => /^\d+$/.test(name) && lines(`/proc/${name}/environ`).join().includes(directory))
      .map((pid) => `process ${pid}`),
  ]
}

function listed(directory) {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function lines(path) {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  } catch {
    return []
  }
}
