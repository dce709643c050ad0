// The campaign of the locks: a kill at each point of each algorithm, each of the first times it is come by; thousands at
// random, of processes that use every primitive at once; and 200 processes in one region. It fails when anybody hangs, a
// section, a permit or a wake-up is lost or doubled, a death is told twice or never, or something is left in /dev/shm.
//
//   node scripts/soak-locks.mjs [kills] [seed]      default: 5,000, a seed of today

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [kills = '5000', seed = String(Math.floor(Date.now() / 86_400_000))] = process.argv.slice(2)
console.log(`soak: locks, ${kills} kills; seed ${seed}, Node ${process.version}, ${new Date().toISOString()}`)

const env = {
  ...process.env,
  STRAIT_SOAK: 'locks',
  STRAIT_KILLS: kills,
  STRAIT_SEED: seed,
  NO_COLOR: '1',
}
const before = regions()
for (const file of ['killed', 'keepers', 'kill-points']) {
  const test = `packages/sync/test/${file}.test.ts`
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout', '0', test]
  const { status } = spawnSync(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
const left = regions().filter((name) => !before.includes(name))
for (const name of left) console.error(`soak: left behind: /dev/shm/${name}`)
if (left.length > 0) process.exit(1)
console.log('soak: nothing is left in the system')

/** What these tests name. */
function regions() {
  return readdirSync('/dev/shm').filter((name) => /(^|\.)kill-\d+-/.test(name))
}
