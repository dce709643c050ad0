import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { peerSchemes } from 'strait'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 120_000 })

const examples = new URL('../examples/', import.meta.url)
const program = (name: string) => fileURLToPath(new URL(`dist/${name}/main.js`, examples))
/** 130 processes take their time. */
const SOAK = process.env.STRAIT_SOAK === 'pool'
const everyUrl = async () =>
  (await peerSchemes()).filter((scheme) => scheme !== 'mem').map((scheme) => `${scheme}:`)
const results = [89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765]

let temporary: string
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'strait-test-'))
})
afterEach(() => {
  rmSync(temporary, { recursive: true })
})

async function run(name: string, ...args: string[]) {
  const child = spawn(process.execPath, [program(name), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, complaint, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { output, complaint, code }
}

async function printed(name: string, ...args: string[]): Promise<string> {
  const { output, complaint, code } = await run(name, ...args)
  expect({ complaint, code }).toEqual({ complaint: '', code: 0 })
  return output
}

describe('ten workers of a pool', () => {
  it('compute fib(10) to fib(19), each one of them, over whatever URL', async () => {
    const urls = SOAK ? await everyUrl() : [...(supported ? ['shm:'] : []), 'unix:', 'worker:']
    const { rows } = JSON.parse(await printed('pool-fib', '--json', ...(SOAK ? [] : urls))) as {
      rows: { url: string; jobs: { n: number; value: number; pid: number }[] }[]
    }
    expect(rows.map(({ url }) => url)).toEqual(urls)
    for (const { url, jobs } of rows) {
      expect(jobs).toEqual(results.map((value, index) => ({ n: 10 + index, value, pid: expect.any(Number) })))
      expect(new Set(jobs.map(({ pid }) => pid)).size, url).toBe(url === 'worker:' ? 1 : 10)
    }
  })

  it('say who has computed what', async () => {
    const lines = (await printed('pool-fib', 'unix:')).trimEnd().split('\n')
    expect(lines.map((line) => line.replace(/ \d+ /, ' PID '))).toEqual(
      results.map((value, index) => `unix: PID fib(${10 + index}) = ${value}`),
    )
  })
})

describe('the words of a text', () => {
  it('are the same, however many workers count them and over whatever', async () => {
    const file = join(temporary, 'text')
    const words = ['strait', 'ÄRGER', 'ärger', "don't", '7', 'x'.repeat(40_000)]
    const all = Array.from({ length: 20_000 }, (_, index) => words[index % 5]!)
    writeFileSync(file, [...all, words[5]].join('\n'))
    const expected = {
      words: 20_001,
      different: 5,
      pieces: expect.any(Number),
      top: [
        { word: 'ärger', times: 8_000 },
        { word: 'don', times: 4_000 },
        { word: 'strait', times: 4_000 },
        { word: 't', times: 4_000 },
      ],
    }
    for (const options of [['--workers', '1'], ['--workers', '3', '--url', 'unix:'], ['--url=worker:']]) {
      const found = JSON.parse(await printed('word-count', file, ...options, '--top', '4', '--json'))
      expect(found).toEqual(expected)
      expect(found.pieces).toBeGreaterThan(3)
    }
  })

  it('are those of the pages of Strait, when no file is named', async () => {
    const docs = fileURLToPath(new URL('../docs', import.meta.url))
    const pages = (readdirSync(docs, { recursive: true }) as string[]).filter((name) => name.endsWith('.md'))
    const all = pages.map((name) => readFileSync(join(docs, name), 'utf8')).join('\n')
    const words = all.split(/\P{L}+/u).filter((word) => word !== '')
    const lines = (await printed('word-count', '--top', '3')).trimEnd().split('\n')
    expect(lines).toHaveLength(4)
    expect(lines[0]).toMatch(/^ +\d+ the$/)
    expect(lines[3]).toMatch(new RegExp(`^${words.length} words, \\d+ different ones, in \\d+ pieces$`))
  })
})

describe('a picture', () => {
  const { PNG } = createRequire(new URL('package.json', examples))('pngjs') as {
    PNG: { sync: { read(bytes: Uint8Array): { width: number; height: number; data: Buffer } } }
  }
  const whole = ['--view=-0.5,0,4', '--size', '40x20', '--steps', '100']

  async function picture(...args: string[]) {
    const file = join(temporary, 'picture.png')
    expect(await printed('render', file, ...whole, ...args)).toBe('')
    return PNG.sync.read(readFileSync(file))
  }

  it('is the same, however many workers paint it and over whatever', async () => {
    const { width, height, data } = await picture('--workers', '1')
    expect([width, height]).toEqual([40, 20])
    for (const options of [['--workers', '3', '--url', 'unix:'], ['--url=worker:']])
      expect((await picture(...options)).data.equals(data)).toBe(true)
    const pixel = (x: number, y: number) => [...data.subarray(4 * (40 * y + x), 4 * (40 * y + x) + 3)]
    // -0.5 belongs to the set, 1.5 does not; below the axis is what is above it.
    expect(pixel(20, 10)).toEqual([0, 0, 0])
    expect(pixel(39, 10)).not.toEqual([0, 0, 0])
    for (let x = 0; x < 40; x++) expect(pixel(x, 3)).toEqual(pixel(x, 16))
  })

  it('is shown in the terminal as half blocks, two pixels in each', async () => {
    const lines = (await printed('render', ...whole)).split('\n')
    expect(lines).toHaveLength(11)
    for (const line of lines.slice(0, 10)) expect(line.match(/▀/g)).toHaveLength(40)
    expect(lines[5]).toContain('\x1b[38;2;0;0;0m\x1b[48;2;0;0;0m▀')
  })
})

describe.each(['pool-fib', 'word-count', 'render'])('%s', (name) => {
  it('explains itself when it is asked', async () => {
    expect(await printed(name, '--help')).toContain(`node examples/dist/${name}/main.js`)
  })

  it.each([
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['--url', 'nope:'], 'nope:'],
  ] as const)('refuses %j with 2', async (args, reason) => {
    // Where the URL is no option it is an argument.
    const given = name === 'pool-fib' ? args.slice(-1) : args
    const { output, complaint, code } = await run(name, ...given)
    expect({ output, code }).toEqual({ output: '', code: 2 })
    expect(complaint).toContain(reason)
    expect(complaint).toMatch(new RegExp(`^${name}: `))
  })
})
