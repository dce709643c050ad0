// Runs the tests of everything native with an addon that has AddressSanitizer and UndefinedBehaviorSanitizer in it.
// First it plants a bug, which must be found: otherwise silence would say nothing.
//
//   node scripts/sanitize.mjs [test files…]      default: the addon's own and the suites of the transports on it

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const posix = join(root, 'packages/posix')
const chosen = process.argv.slice(2)
const suites = [
  ...['pipe', 'fifo', 'signal', 'mq', 'sysv-mq', 'sem', 'seqpacket'].map(
    (name) => `packages/transport-${name}/test/conformance.test.ts`,
  ),
  'packages/transport-shm',
  'packages/sync',
]
const planted = join(posix, 'test/native/planted-bug.h')

const reports = mkdtempSync(join(tmpdir(), 'strait-sanitize-'))
chmodSync(reports, 0o1777) // some tests run as another user
const failure = sanitize()
rmSync(reports, { recursive: true })
console.log(`sanitize: ${failure ?? 'the planted bug was found, and nothing else'}`)
process.exitCode = failure === undefined ? 0 : 1

/** Why it has failed; undefined: it has not. */
function sanitize() {
  if (!build(`-include ${planted}`)) return 'it was not built'
  // A test of memory without a name, which the end of its process leaves to nobody.
  test(['packages/posix/test/shared-memory.test.ts', '-t', 'copies out and in'], 'ignore')
  if (!takeReports().includes('heap-buffer-overflow')) return 'the planted bug was not found'
  if (!build('')) return 'it was not built'
  const status = test(chosen.length > 0 ? chosen : ['packages/posix', ...suites], 'inherit')
  const found = takeReports()
  if (found !== '') return found
  return status === 0 ? undefined : 'tests failed, without a report of a sanitizer'
}

function build(flags) {
  const env = { ...process.env, CXX: 'g++', CXXFLAGS: flags, STRAIT_REQUIRE_ADDON: '1' }
  const args = [join(posix, 'scripts/build.mjs'), '--sanitize']
  return spawnSync(process.execPath, args, { env, stdio: 'inherit' }).status === 0
}

/** Its runtime must come first in the process, and Node is built without it. Collected memory is no leak to report. */
function test(files, output) {
  const library = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim()
  const options = `log_path=${join(reports, 'report')}:print_stacktrace=1`
  const env = {
    ...process.env,
    STRAIT_SANITIZED: '1',
    LD_PRELOAD: library,
    ASAN_OPTIONS: `detect_leaks=0:${options}`,
    UBSAN_OPTIONS: options,
  }
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...files]
  return spawnSync(process.execPath, args, { cwd: root, env, stdio: output }).status
}

/** A report ends its process; what becomes of that, a test may not notice. */
function takeReports() {
  const files = readdirSync(reports).map((name) => join(reports, name))
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n')
  for (const file of files) rmSync(file)
  return text
}
