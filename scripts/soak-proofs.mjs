// The proofs in full: every model with each of its sizes, and every planted mistake; the system calls of 1,000 round trips
// over each transport; of every broken transport that the suite finds what it breaks, and nothing else; and the native
// code by clang++. npm test has a part of each. It needs what these tests need, and says what it skips.
//
//   node scripts/soak-proofs.mjs

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
console.log(`soak: proofs; Node ${process.version}, ${new Date().toISOString()}`)

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout', '0']
const files = [
  'packages/conformance/test/broken-transports.test.ts',
  'packages/posix/test/compilers.test.ts',
  'packages/posix/test/ring.test.ts',
  'packages/sync/test/models.test.ts',
  'packages/bench/test/calls.test.ts',
]
const { status } = spawnSync(process.execPath, [...vitest, ...files], {
  cwd: root,
  env: { ...process.env, STRAIT_SOAK: 'proofs', NO_COLOR: '1' },
  stdio: 'inherit',
})
process.exit(status ?? 1)
