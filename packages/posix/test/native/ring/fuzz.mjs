// Builds fuzz.cc with libFuzzer and runs it, from the inputs in fuzz.corpus on: one a line, base64.
//
//   node fuzz.mjs [--runs n] [--seeds n] [--header directory] [--keep]
//
// `--header`: where the ring.h to be fuzzed is. `--keep`: the inputs that were found, without those that reach nothing
// that others do not, are the new fuzz.corpus.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '300000' },
    seeds: { type: 'string', default: '1' },
    header: { type: 'string', default: here('../../../native') },
    keep: { type: 'boolean', default: false },
  },
})
const packed = here('fuzz.corpus')
const directory = mkdtempSync(join(tmpdir(), 'strait-fuzz-'))
process.once('exit', () => rmSync(directory, { recursive: true }))
const [program, corpus, minimised] = ['program', 'corpus', 'minimised'].map((name) => join(directory, name))

const [compiler] = spawnSync('clang++', ['--version'], { encoding: 'utf8' }).stdout.split('\n')
console.log(`fuzz: ${process.argv.slice(2).join(' ')}; ${compiler}, ${new Date().toISOString()}`)
build()
unpack(corpus)
const started = Date.now()
const seeds = Number(values.seeds)
for (let seed = 1; seed <= seeds; seed++) {
  const runs = Math.ceil(Number(values.runs) / seeds)
  fuzz(`-runs=${runs}`, `-seed=${seed}`, `-max_len=${seed % 2 === 0 ? 1024 : 256}`, corpus)
}
console.log(
  `fuzz: ${values.runs} executions in ${Math.round((Date.now() - started) / 1000)} s, nothing found`,
)
if (values.keep) {
  mkdirSync(minimised)
  fuzz('-merge=1', minimised, corpus)
  pack(minimised)
}

function build() {
  const flags = ['-std=c++20', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-fno-sanitize-recover=all']
  const sanitizers = '-fsanitize=fuzzer,address,undefined'
  const args = [...flags, sanitizers, `-I${values.header}`, here('fuzz.cc'), '-o', program]
  if (spawnSync('clang++', args, { stdio: 'inherit' }).status !== 0) process.exit(1)
}

function fuzz(...args) {
  const { status, stderr } = spawnSync(program, args, {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines = stderr.split('\n')
  if (status === 0) {
    const last = lines.filter((line) => /^#\d+\s+(?:INITED|DONE)|^Done|^MERGE-OUTER: \d+ new/.test(line))
    console.log([`fuzz: ${args.filter((each) => each.startsWith('-')).join(' ')}`, ...last].join('\n'))
    return
  }
  const found = lines.findIndex((line) => /broken:|ERROR|runtime error/.test(line))
  console.error(lines.slice(found).join('\n'))
  process.exit(1)
}

function unpack(to) {
  mkdirSync(to)
  const inputs = readFileSync(packed, 'utf8').split('\n')
  for (const [i, input] of inputs.entries())
    if (input !== '') writeFileSync(join(to, String(i)), Buffer.from(input, 'base64'))
}

function pack(from) {
  const inputs = readdirSync(from).map((name) => readFileSync(join(from, name)).toString('base64'))
  inputs.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  writeFileSync(packed, `${inputs.join('\n')}\n`)
  console.log(`fuzz: ${inputs.length} inputs kept`)
}
