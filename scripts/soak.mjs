// The long campaigns: thousands of kills of every transport, gigabytes both ways at once, and a million messages with a
// page in Chromium. Prints what it uses, so that the same run can be made again.
//
//   node scripts/soak.mjs [kills] [seed]      default: 1,000 a transport, a seed of today

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [kills = '1000', seed = String(Math.floor(Date.now() / 86_400_000))] = process.argv.slice(2)
console.log(
  `soak: ${kills} kills a transport, seed ${seed}, Node ${process.version}, ${new Date().toISOString()}`,
)

const env = { ...process.env, STRAIT_SOAK: '1', STRAIT_KILLS: kills, STRAIT_SEED: seed, NO_COLOR: '1' }
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout', '0']
for (const args of [
  ['conformance.test.ts', '--testNamePattern', 'killed processes leave nothing'],
  ['packages/strait/test/soak.test.ts'],
  ['packages/transport-ws/test/browser.test.ts'],
]) {
  const { status } = spawnSync(process.execPath, [...vitest, ...args], { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
