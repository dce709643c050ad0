// All that CI runs. Writes nothing into the tree. Expects scripts/setup.mjs to have run.

import { spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const NOBODY = 65534
/** What has no rights: nothing that a name leads to, or a port of the network. */
const WITHOUT_RIGHTS = [
  ...['core', 'transport-pipe', 'transport-fork', 'transport-worker', 'transport-tcp', 'transport-zmq'].map(
    (name) => `${name}/test/conformance.test.ts`,
  ),
  'transport-ws/**',
]
/**
 * What takes long and no rights: a spawned peer inherits what it has, death asks nobody, and order, ends, states and
 * threads that block are the same for all.
 */
const WITHOUT_NAMES = '^(?!sync |C[236789] |.*(spawned peer|killed processes))'
const bin = (name) => join(root, 'node_modules', name)
const vitest = [bin('vitest/vitest.mjs'), 'run', '--configLoader', 'runner']

step('format and lint', process.execPath, [bin('@biomejs/biome/bin/biome'), 'ci', '--error-on-warnings'])
step('types of the tests', process.execPath, [bin('typescript/bin/tsc'), '-p', 'tsconfig.test.json'])
withTemporary((temporary) => step('tests', process.execPath, vitest, { STRAIT_VITEST_CACHE: temporary }))
unprivileged()
console.log('\ncheck: everything passed')

/**
 * Root hides limits, modes and rights, so the conformance suite runs once more as nobody: whatever meets by a name, and
 * all within one process.
 */
function unprivileged() {
  if (process.geteuid() !== 0) return
  const user = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups']
  // A clone in a private folder is still readable to the tests, but nothing else is allowed to them.
  const rights = ['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search']
  const as = readableByNobody(user) ? user : [...user, ...rights]
  withTemporary((temporary) => {
    chownSync(temporary, NOBODY, NOBODY)
    const environment = { HOME: temporary, TMPDIR: temporary, STRAIT_VITEST_CACHE: join(temporary, 'cache') }
    const exclude = WITHOUT_RIGHTS.flatMap((file) => ['--exclude', `**/${file}`])
    const chosen = ['conformance.test.ts', ...exclude, '-t', WITHOUT_NAMES]
    const args = [...as, process.execPath, ...vitest, ...chosen]
    step('the conformance suite as nobody', 'setpriv', args, environment)
  })
}

function readableByNobody(user) {
  return (
    spawnSync('setpriv', [...user, process.execPath, '-e', ''], { cwd: root }).status === 0 &&
    spawnSync('setpriv', [...user, 'test', '-r', join(root, 'packages/core/bundle/index.js')]).status === 0
  )
}

function withTemporary(action) {
  const directory = mkdtempSync(join(tmpdir(), 'strait-check-'))
  try {
    action(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function step(name, command, args, environment = {}) {
  console.log(`\ncheck: ${name}`)
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  })
  if (status === 0) return
  console.error(`check: ${name} failed${error === undefined ? '' : `: ${error.message}`}`)
  process.exitCode = 1
  throw new Error(`${name} failed`)
}
