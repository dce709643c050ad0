import { defineConfig } from 'vitest/config'

export default defineConfig({
  cacheDir: process.env.STRAIT_VITEST_CACHE ?? 'node_modules/.vite',
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    // Mostly waiting for other processes.
    maxWorkers: 4,
    // Guards inside the tests name what hangs; this one only ends a run that is lost.
    testTimeout: 900_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
})
