import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

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

/** A program with the ring as it is, or with a mistake: some text of it in place of another. */
function build(source: string, sanitizers: string, mistake?: readonly [string, string]): string {
  const place = join(directory, String(++built))
  mkdirSync(place)
  const header = readFileSync(HEADER, 'utf8')
  const [right = '', wrong = ''] = mistake ?? []
  expect(header).toContain(right)
  writeFileSync(join(place, 'ring.h'), mistake === undefined ? header : header.replace(right, wrong))
  const program = join(place, 'program')
  const args = [...FLAGS, `-fsanitize=${sanitizers}`, `-I${place}`, native(source), '-o', program]
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
      for (const capacity of ['256', '1024', '65536']) {
        const { stdout, stderr } = run(program, '20000', capacity)
        expect(stderr).toBe('')
        expect(stdout).toBe('20000 records\n')
      }
    },
  )

  it('is found out when a commit does not carry the payload with it', () => {
    const order = [
      'std::memory_order_release);\n    if (padding',
      'std::memory_order_relaxed);\n    if (padding',
    ] as const
    const { stderr } = run(build('threads.cc', 'thread', order), '20000', '1024')
    expect(stderr).toContain('data race')
  })
})

describe.skipIf(!fuzzer)('the ring, with a peer that rewrites it (needs libFuzzer)', () => {
  it('is not left by any read or write', () => {
    const { status, stderr } = run(
      build('fuzz.cc', 'fuzzer,address,undefined'),
      '-runs=300000',
      '-seed=1',
      '-max_len=400',
    )
    expect(stderr).not.toContain('ERROR')
    expect(status).toBe(0)
  })

  it('is left where a bound is missing, and that is found', () => {
    const program = build('fuzz.cc', 'fuzzer,address,undefined', [' || spanOf(length) > end', ''])
    expect(run(program, '-runs=3000000', '-seed=1', '-max_len=400').stderr).toContain('AddressSanitizer')
  })
})

describe.skipIf(!spin)('the model of sleeping and waking (needs spin)', () => {
  const errors = (...defines: string[]) =>
    /errors: (\d+)/.exec(run('spin', ...defines, '-run', native('sleep.pml')).stdout)?.[1]

  it('lets nobody sleep for ever', () => {
    expect(errors()).toBe('0')
    expect(errors('-DROOM=2')).toBe('0')
  })

  it.each(['NO_WRITER_FENCE', 'NO_READER_FENCE', 'NO_PUBLISH', 'PLAIN_READER_SLEEP', 'PLAIN_WRITER_SLEEP'])(
    'finds what happens with %s',
    (mistake) => {
      expect(errors(`-D${mistake}`)).toBe('1')
    },
  )
})
