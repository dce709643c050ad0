import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { some } from '../../core/test/support/proofs.js'

// The ring alone, without Node: under sanitizers, against a hostile peer, and as a model.

const HEADER = new URL('../native/ring.h', import.meta.url)
const native = (name: string) => fileURLToPath(new URL(`./native/ring/${name}`, import.meta.url))
const has = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
const clang = has('clang++', '--version')
const fuzzer = clang && has('sh', '-c', 'test -e "$(clang++ -print-file-name=libclang_rt.fuzzer-x86_64.a)"')
const spin = has('spin', '-V')

const FLAGS = [
  '-std=c++20',
  '-O1',
  '-g',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fno-sanitize-recover=all',
  '-pthread',
]

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-ring-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

let built = 0

/** A directory with the ring as it is, or with a mistake: some text of it in place of another. */
function place(mistake?: readonly [string, string]): string {
  const place = join(directory, String(++built))
  mkdirSync(place)
  const header = readFileSync(HEADER, 'utf8')
  const [right = '', wrong = ''] = mistake ?? []
  expect(header).toContain(right)
  writeFileSync(join(place, 'ring.h'), header.replace(right, wrong))
  return place
}

/** A program with the ring of that directory. */
function build(source: string, sanitizers: string, header = place()): string {
  const program = join(header, 'program')
  // What is loaded from memory is told to hostile.cc.
  const coverage = source === 'hostile.cc' ? ['-fsanitize-coverage=bb,trace-loads'] : []
  const args = [
    ...FLAGS,
    `-fsanitize=${sanitizers}`,
    ...coverage,
    `-I${header}`,
    native(source),
    '-o',
    program,
  ]
  const { status, stderr } = spawnSync('clang++', args, { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return program
}

function run(program: string, ...args: string[]) {
  return spawnSync(program, args, { encoding: 'utf8', cwd: directory })
}

describe.skipIf(!clang)('the ring, in two threads (needs clang++)', () => {
  it.each(['thread', 'address,undefined'])(
    'hands over every record whole and in order, under -fsanitize=%s',
    (sanitizers) => {
      const program = build('threads.cc', sanitizers)
      // Each byte is slow here, and records are up to half as long as the ring.
      for (const [capacity, records] of [
        ['256', '20000'],
        ['1024', '20000'],
        ['65536', '1000'],
      ] as const) {
        const { stdout, stderr } = run(program, records, capacity)
        expect(stderr).toBe('')
        expect(stdout).toBe(`${records} records\n`)
      }
    },
  )

  it('is found out when a commit does not carry the payload with it', () => {
    const order = [
      'std::memory_order_release);\n    if (padding',
      'std::memory_order_relaxed);\n    if (padding',
    ] as const
    const { stderr } = run(build('threads.cc', 'thread', place(order)), '20000', '1024')
    expect(stderr).toContain('data race')
  })
})

describe.skipIf(!fuzzer)('the ring, with a peer that rewrites it between two calls (needs libFuzzer)', () => {
  const fuzz = (header: string) =>
    spawnSync(process.execPath, [native('fuzz.mjs'), '--header', header], { encoding: 'utf8' })

  it('is not left by any read or write', () => {
    const { status, stdout, stderr } = fuzz(place())
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).toContain('nothing found')
  })

  // Of what a peer can do: a length or a `freed` that cannot be, and padding.
  it.each(
    some<readonly [string, readonly [string, string], string]>([
      ['a bound for the length', ['length > longestRecord(capacity_) || ', ''], 'AddressSanitizer'],
      ['a bound at the end of the ring', [' || spanOf(length) > end', ''], 'AddressSanitizer'],
      ['a bound for freed, forwards', [' || freed > position_', ''], 'broken'],
      ['a bound for freed, backwards', ['freed < freed_ || ', ''], 'broken'],
      ['a look whether freed is odd', [' || (freed & 7) != 0', ''], 'broken'],
      ['a bound for padding', ['length != end - kHeader || ', ''], 'broken'],
      ['an end to padding behind padding', [' || padded > 0', ''], 'does not come back'],
      ['memory of a lie about freed', ['    if (corrupt_) return false;\n', ''], 'broken'],
      ['memory of a lie about a record', ['    if (corrupt_) return Outcome::corrupt;\n', ''], 'broken'],
      ['room for the zero behind', ['(padding_ + span + kHeader)', '(padding_ + span)'], 'broken'],
      ['the zero behind', ['    commitAt(next).store(0, std::memory_order_relaxed);\n', ''], 'broken'],
    ]),
  )('is found out without %s', (_, mistake, found) => {
    const { status, stderr } = fuzz(place(mistake))
    expect(stderr).toContain(found)
    expect(status).toBe(1)
  })
})

describe.skipIf(!clang)(
  'the ring, with a peer that rewrites it in the middle of a call (needs clang++)',
  () => {
    const sanitizers = 'address,undefined'

    it('is not left by any read or write', () => {
      const program = build('hostile.cc', sanitizers)
      for (const capacity of ['256', '4096', '65536'])
        for (const how of ['ambush', 'thread']) {
          const { stdout, stderr } = run(program, how, '200000', capacity)
          expect(stderr).toBe('')
          expect(stdout).toMatch(/^\d+ written, 200000 read, /)
          // How much a thread gets done is the machine's affair.
          if (how === 'ambush') expect(stdout).toMatch(/caught [1-9]\d* \+ [1-9]\d* times/)
        }
    })

    it.each([
      [
        'is handed out',
        ['payloadAt(position_), length}', 'payloadAt(position_), commitAt(position_) - size_t{1}}'],
      ],
      ['is bounded', ['if (length > longest', 'if (commitAt(position_) - size_t{1} > longest']],
    ] as const)('is found out when a length is loaded again as it %s', (_, mistake) => {
      const { stderr } = run(build('hostile.cc', sanitizers, place(mistake)), 'ambush', '200000', '4096')
      expect(stderr).toContain('AddressSanitizer')
    })
  },
)

describe.skipIf(!spin)('the model of sleeping, waking and the end (needs spin)', () => {
  const check = (...defines: string[]) =>
    run('spin', ...defines.map((each) => `-D${each}`), '-run', native('sleep.pml')).stdout

  it.each(
    some([[[]], [['ROOM=2']], [['ROOM=3', 'RECORDS=6']], [['LEAVES=true']], [['ROOM=2', 'LEAVES=true']]]),
  )('lets nobody sleep for ever, and loses no record, with %j', (defines) => {
    expect(check(...defines)).toContain('errors: 0')
  })

  it.each(
    some([
      ['NO_WRITER_FENCE', 'invalid end state'],
      ['NO_READER_FENCE', 'invalid end state'],
      ['NO_PUBLISH', 'invalid end state'],
      ['PLAIN_READER_SLEEP', 'invalid end state'],
      ['PLAIN_WRITER_SLEEP', 'invalid end state'],
      ['DEAF', 'invalid end state'],
      ['EARLY_RELEASE', 'assertion violated ((lent==0)'],
      ['END_BEFORE_DRAIN', 'assertion violated (record>'],
      ['END_WITHOUT_LOOK', 'assertion violated (record>'],
    ]),
  )('finds what happens with %s', (mistake, found) => {
    expect(check(mistake)).toContain(found)
  })
})
