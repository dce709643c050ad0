// Brings everything that `npm start` and `npm test` need, with nothing but Node and npm: the pinned pnpm installs what
// the lockfile says, and the compiler builds. What is up to date is left alone, so that a second run takes seconds.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const quiet = process.argv.includes('--quiet')
const stamp = join(root, 'node_modules', '.strait-installed')

const [major] = process.versions.node.split('.').map(Number)
if (major < 20) fail(`Strait needs Node 20 or newer; this is ${process.versions.node}`)

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const installed = createHash('sha256')
  .update(packageManager)
  .update(readFileSync(join(root, 'pnpm-lock.yaml')))
  .digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== installed) {
  say(`installing with ${packageManager}`)
  run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'])
  writeFileSync(stamp, installed)
}
say('building')
run(process.execPath, [join(root, 'packages', 'posix', 'scripts', 'build.mjs')])
run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'])
run(process.execPath, [join(root, 'scripts', 'bundle.mjs')])

function say(what) {
  if (!quiet) console.error(`strait: ${what}`)
}

/** Runs a command; what it prints is shown when it fails. */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (status === 0) {
    // What a step says although it succeeded: that the addon could not be built.
    if (stderr.startsWith('strait:')) process.stderr.write(stderr)
    return
  }
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`)
  fail(`${command} ${args.join(' ')} ${error === undefined ? `exited with ${status}` : error.message}`)
}

function fail(why) {
  console.error(`strait: ${why}`)
  process.exit(1)
}
