// Makes one file of each entry of the packages that every program loads, so that a process that joins starts sooner:
// what takes its time is finding the modules, of which these have more than a hundred. Which packages: those whose
// `exports` point to `bundle/`. The types, and the modules that the tests look into, stay in `dist/`.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const packages = fileURLToPath(new URL('../packages', import.meta.url))

for (const name of readdirSync(packages)) {
  const { exports = {} } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8'))
  const entries = Object.values(exports).filter((entry) => entry.default.startsWith('./bundle/'))
  if (entries.length === 0) continue
  await build({
    entryPoints: entries.map((entry) => ({
      in: join(packages, name, entry.types.replace(/\.d\.ts$/, '.js')),
      out: entry.default.slice('./bundle/'.length, -'.js'.length),
    })),
    outdir: join(packages, name, 'bundle'),
    bundle: true,
    // What two entries share is there once.
    splitting: true,
    chunkNames: 'shared',
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  })
}
