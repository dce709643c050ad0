// The campaign of the pool: busy workers killed at random, Ctrl-C at many moments, a million jobs, and ten workers over
// every URL. It fails when a job is lost, runs more often than it may, or is failed without a death; when somebody outlives
// a pool; when memory grows.
//
//   node scripts/soak-pool.mjs [kills] [seed]      default: 500 over each URL, a seed of today

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [kills = '500', seed = String(Math.floor(Date.now() / 86_400_000))] = process.argv.slice(2)
console.log(`soak: pool, ${kills} kills; seed ${seed}, Node ${process.version}, ${new Date().toISOString()}`)

const env = { ...process.env, STRAIT_SOAK: 'pool', STRAIT_KILLS: kills, STRAIT_SEED: seed, NO_COLOR: '1' }
const tests = ['chaos', 'terminal', 'memory', 'parent', 'starts'].map(
  (name) => `packages/pool/test/${name}.test.ts`,
)
for (const test of [...tests, 'test/pool-examples.test.ts']) {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout', '0', test]
  const { status } = spawnSync(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
