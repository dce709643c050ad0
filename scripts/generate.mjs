// Fills the generated parts of the documents: code from examples/, tables from the code and from measurements.
// Runs after the build.
//
//   node scripts/generate.mjs [--check] [--results file] [file …]      default: every document
//
// Writes what is stale; with --check it names what is stale, writes nothing and exits 1. What cannot be known on this
// machine, because the native addon is not built, stays as it is. What was measured stands in
// benchmarks/results/latest.json, or the file that --results names; docs/round-trips.svg is drawn from it. A run whose
// first part is not to be quoted is refused.
//
//   <!-- generated:file examples/mem/main.ts -->      that file
//   <!-- generated:output examples/mem/main.ts -->    what it prints
//   <!-- generated:capabilities unix -->              the capabilities of one transport, or several
//   <!-- generated:comparison -->                     the capabilities of all
//   <!-- generated:round-trips -->                    all transports, with what was measured of them
//   <!-- generated:cost unix -->                      what was measured of one
//   <!-- generated:measured-on -->                    where and when
//   <!-- /generated -->

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { canStartPeers } from '../packages/core/bundle/node.js'
import { supported } from '../packages/posix/bundle/index.js'
import { loadTransport, schemes } from '../packages/strait/dist/index.js'
import { costHead, costOf, modesOf, whereMeasured } from './measured.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values: options, positionals: named } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean' }, results: { type: 'string' } },
})
const results = readResults(options.results ?? join(root, 'benchmarks/results/latest.json'))
const BLOCK = /^<!-- generated:(\S+) ?(.*?) -->\n[\s\S]*?^<!-- \/generated -->$/gm

const CARRIES = {
  mem: 'a queue in this process',
  pipe: 'two anonymous pipes',
  fifo: 'two FIFOs, the named pipes',
  signal: 'queued real-time signals',
  mq: 'two POSIX message queues',
  'sysv-mq': 'two System V message queues',
  sem: 'slots handed over by semaphores',
  shm: 'two rings in shared memory',
  seqpacket: 'Unix SEQPACKET socket',
  unix: 'Unix stream socket',
  tcp: 'TCP, without delay',
  fork: "Node's own `child_process` channel",
  worker: '`MessagePort` between threads',
  ws: 'WebSocket over TCP',
  wss: 'WebSocket over TLS',
  'zmq+tcp': 'ZeroMQ over TCP',
  'zmq+ipc': 'ZeroMQ over a Unix socket',
}

const transports = new Map()
for (const scheme of schemes) {
  try {
    transports.set(scheme, await loadTransport(scheme))
  } catch (error) {
    if (supported) throw error
    console.error(error.message)
  }
}

const outputs = new Map()

const generators = {
  file: (path) => fence(extname(path).slice(1), readFileSync(join(root, path), 'utf8')),
  output: (path) => output(path) && fence('text', output(path)),
  capabilities: (list) => {
    const named = list.split(' ')
    const all = named.map((scheme) => transports.get(scheme))
    const head = ['capability', ...named.map((scheme) => `\`${scheme}:\``)]
    return table([head, ...capabilityRows(all), ['ends meet by', ...all.map(meeting)]])
  },
  comparison: () => {
    const all = [...transports.values()]
    const ways = WAYS.map(([name, has]) => [name, ...all.map((transport) => show(has(transport)))])
    return table([
      ['capability', ...schemes.map((scheme) => `\`${scheme}:\``)],
      ...capabilityRows(all),
      ...ways,
    ])
  },
  'round-trips': roundTrips,
  cost,
  'measured-on': () => (results === undefined ? '_Nothing is published yet._' : whereMeasured(results)),
}

/** Undefined: nothing was measured yet. */
function readResults(file) {
  if (!existsSync(file)) return undefined
  const results = JSON.parse(readFileSync(file, 'utf8'))
  // The others are noisy in each of their rows.
  const [{ notes }] = results.parts
  if (notes.length > 0) throw new Error(`${file} says that it should not be quoted: ${notes.join('; ')}`)
  return results
}

/** Whether this machine can tell what a table says. Without the addon `unix:` does not know its peer either. */
function canGenerate(kind, argument) {
  const known = (scheme) => transports.has(scheme) && (supported || scheme !== 'unix')
  if (['file', 'output', 'cost', 'measured-on'].includes(kind)) return true
  return (kind === 'capabilities' ? argument.split(' ') : schemes).every(known)
}

function fence(language, text) {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``
}

function capabilityRows(all) {
  return Object.keys(all[0].capabilities).map((name) => [
    `\`${name}\``,
    ...all.map(({ capabilities }) => show(capabilities[name])),
  ])
}

/** Columns are as wide as their widest cell, which is also how the formatter wants them. */
function table([head, ...rows], right = head.map(() => false)) {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((cells) => cells[column].length)))
  const line = (cells) => `| ${cells.join(' | ')} |`
  const fill = (cells) =>
    line(cells.map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))))
  const rule = line(widths.map((width, i) => (right[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))))
  return [fill(head), rule, ...rows.map(fill)].join('\n')
}

function show(value) {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'number' ? `${value / 1024 / 1024} MiB` : value
}

/** How two ends can meet. */
const WAYS = [
  ['`listen`, `connect`', ({ listen, connect }) => listen !== undefined && connect !== undefined],
  ['`pair`', ({ pair }) => pair !== undefined],
  ['`spawnPeer`', canStartPeers],
]

function meeting(transport) {
  return WAYS.filter(([, has]) => has(transport))
    .map(([name]) => name)
    .join(', ')
}

/** What a built example prints; undefined: it needs the addon, which is not built. */
function output(path) {
  if (!outputs.has(path)) outputs.set(path, run(path))
  return outputs.get(path)
}

function run(path) {
  const built = join(root, path.replace('examples/', 'examples/dist/').replace(/\.ts$/, '.js'))
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [built], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (status === 0) return stdout
  if (!supported && stderr.includes('ERR_STRAIT_NOT_SUPPORTED')) return undefined
  throw error ?? new Error(`${path} ended with ${status}:\n${stderr}`)
}

function roundTrips() {
  const head = ['address', 'what carries the bytes', 'how far apart']
  const facts = (scheme) => [
    `[\`${scheme}:\`](packages/${packageOf(scheme)}/README.md)`,
    CARRIES[scheme] ?? missing(scheme),
    transports.get(scheme).capabilities.scope,
  ]
  if (results === undefined) return table([head, ...schemes.map(facts)])

  const measured = schemes.map((scheme) => [...facts(scheme), ...costOf(results, scheme)])
  return [
    table([[...head, ...costHead], ...measured], [...head.map(() => false), ...costHead.map(() => true)]),
    '',
    `64 bytes there and back, one at a time, \`await\`, two processes (\`mem:\` one). ${whereMeasured(results)}`,
  ].join('\n')
}

function cost(scheme) {
  if (results === undefined) return '_Not measured yet._'
  const modes = modesOf(results, scheme)
  if (modes.length === 0) return '_Not measured yet._'
  return table(
    [['mode', ...costHead], ...modes.map((mode) => [mode, ...costOf(results, scheme, mode)])],
    [false, ...costHead.map(() => true)],
  )
}

function packageOf(scheme) {
  if (scheme === 'mem') return 'core'
  return `transport-${scheme.startsWith('zmq') ? 'zmq' : scheme === 'wss' ? 'ws' : scheme}`
}

function missing(scheme) {
  throw new Error(`say in CARRIES what carries the bytes of ${scheme}:`)
}

function documents(directory = root) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || ['node_modules', 'dist', 'bundle'].includes(entry.name)) return []
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return documents(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

for (const path of named.length > 0 ? named : documents()) {
  const before = readFileSync(path, 'utf8')
  const after = before.replace(BLOCK, (block, kind, argument) => {
    const generate = generators[kind]
    if (generate === undefined) throw new Error(`${path}: nothing generates '${kind}'`)
    const text = canGenerate(kind, argument) ? generate(argument) : undefined
    if (text === undefined) return block
    const tail = argument === '' ? '' : ` ${argument}`
    return `<!-- generated:${kind}${tail} -->\n${text}\n<!-- /generated -->`
  })
  settle(path, before, after)
}
if (results !== undefined && named.length === 0) {
  const { mainChart } = await import('../packages/report/dist/index.js')
  const path = join(root, 'docs/round-trips.svg')
  settle(path, existsSync(path) ? readFileSync(path, 'utf8') : '', mainChart(results))
}

function settle(path, before, after) {
  if (after === before) return
  console.log(`${options.check ? 'stale: ' : 'wrote '}${relative(process.cwd(), path)}`)
  if (options.check) process.exitCode = 1
  else writeFileSync(path, after)
}
