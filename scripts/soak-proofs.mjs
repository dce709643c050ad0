// The proofs in full: every model with each of its sizes and of its planted mistakes, and the system calls of 1,000 round
// trips over each transport. npm test has of each model one size and one mistake, and fewer round trips. It needs what
// these tests need, and says what it skips.
//
//   node scripts/soak-proofs.mjs

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
console.log(`soak: proofs; Node ${process.version}, ${new Date().toISOString()}`)

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout', '0']
const files = [
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
