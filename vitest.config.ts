import { defineConfig } from 'vitest/config'
import { supported } from './packages/posix/dist/index.js'

/** What cannot even be loaded without the native addon. */
const NATIVE = [
  'posix',
  'rendezvous',
  'sync',
  'transport-pipe',
  'transport-fifo',
  'transport-seqpacket',
  'transport-signal',
  'transport-mq',
  'transport-sysv-mq',
  'transport-sem',
  'transport-shm',
]

if (!supported && process.env.VITEST_WORKER_ID === undefined)
  console.log(`the native addon is not built: the tests of ${NATIVE.join(', ')} are skipped`)

// Node 20 reads every certificate at the start of a process that has this variable: three quarters of the start of
// each of the thousands that the tests start, none of which asks beyond this machine.
delete process.env.NODE_EXTRA_CA_CERTS

export default defineConfig({
  cacheDir: process.env.STRAIT_VITEST_CACHE ?? 'node_modules/.vite',
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(supported ? [] : NATIVE.map((name) => `packages/${name}/**`))],
    pool: 'forks',
    // Mostly waiting for other processes.
    maxWorkers: 4,
    // Guards inside the tests name what hangs; this one only ends a run that is lost.
    testTimeout: 900_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
})
