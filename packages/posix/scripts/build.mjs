// Builds the native addon where there are a compiler and the headers of Node, and says so where there are not: without
// it everything that is plain JavaScript still works. Does nothing when it is built already.
//
//   node scripts/build.mjs [--sanitize]     --sanitize: with ASan and UBSan, beside the other one; see
//                                           scripts/sanitize.mjs of the repository

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))
const sanitize = process.argv.includes('--sanitize')
const configuration = sanitize ? 'Debug' : 'Release'
const built = join(home, 'build', configuration, 'strait_posix.node')
const stamp = join(home, 'build', `${configuration}.stamp`)

if (process.platform !== 'linux') {
  console.error(
    `strait: the native addon is for Linux; on ${process.platform} the transports without it work`,
  )
  process.exit(0)
}
if (!existsSync(built) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint()) build()

function fingerprint() {
  const hash = createHash('sha256').update(process.arch)
  // Another compiler makes another one.
  for (const name of ['CXX', 'CXXFLAGS', 'LDFLAGS']) hash.update(`\0${process.env[name] ?? ''}`)
  const native = readdirSync(join(home, 'native')).map((name) => join('native', name))
  for (const file of ['binding.gyp', ...native.sort()]) hash.update(readFileSync(join(home, file)))
  return hash.digest('hex')
}

function build() {
  const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  // Headers that stand beside this Node are the right ones; otherwise node-gyp looks for them itself.
  const prefix = dirname(dirname(process.execPath))
  const headers = existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : []
  const args = [gyp, 'configure', 'build', ...headers, sanitize ? '--debug' : '--release']
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    cwd: home,
    encoding: 'utf8',
  })
  if (status === 0) {
    writeFileSync(stamp, fingerprint())
    return
  }
  const output = `${stdout ?? ''}${stderr ?? ''}${error ?? ''}`
  const why =
    /error: .*|.*not found.*|gyp ERR! stack Error: .*/.exec(output)?.[0] ?? `node-gyp exited with ${status}`
  console.error(`strait: the native addon could not be built (${why.trim()})`)
  console.error('strait: it needs a C++ compiler, make and python3; everything else works without it')
  if (process.env.STRAIT_REQUIRE_ADDON !== undefined) {
    console.error(output)
    process.exit(1)
  }
}
