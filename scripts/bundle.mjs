// Makes one file of each entry of the packages that every program loads, so that a process that joins starts sooner:
// what takes its time is finding the modules, of which these have more than a hundred. Which packages: those whose
// `exports` point to `bundle/`. The types, and the modules that the tests look into, stay in `dist/`.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const packages = fileURLToPath(new URL('../packages', import.meta.url))

/** The compiler's maps, so that those of the bundle lead to the sources. */
const compiled = {
  name: 'compiled',
  load: (file) => ({
    code: readFileSync(file, 'utf8'),
    map: JSON.parse(readFileSync(`${file}.map`, 'utf8')),
  }),
}

for (const name of readdirSync(packages)) {
  const { exports = {} } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8'))
  const entries = Object.values(exports)
    .filter((entry) => entry.default.startsWith('./bundle/'))
    .map(({ types, default: file }) => [
      file.slice('./bundle/'.length, -'.js'.length),
      join(packages, name, types.replace(/\.d\.ts$/, '.js')),
    ])
  if (entries.length === 0) continue
  await build({
    input: Object.fromEntries(entries),
    external: (id) => /^[^./]/.test(id),
    platform: 'node',
    plugins: [compiled],
    output: {
      dir: join(packages, name, 'bundle'),
      format: 'esm',
      // What two entries share is there once.
      chunkFileNames: '[name].js',
      sourcemap: true,
    },
    logLevel: 'warn',
  })
}
