import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { supported } from '@strait/posix'
import { describe, expect, it } from 'vitest'
import { growth, TOLERATED, trends } from '../scripts/hot/trend.mjs'

const run = promisify(execFile)
const withoutAddon = supported ? '' : ' (skipped: the native addon is not built)'

async function script(name: string, ...args: string[]): Promise<{ code: number; lines: string[] }> {
  const program = fileURLToPath(new URL(`../scripts/${name}.mjs`, import.meta.url))
  const env = { ...process.env, NO_COLOR: '1' }
  const {
    code = 0,
    stdout,
    stderr,
  } = await run(process.execPath, [program, ...args], { env }).catch((error) => error)
  expect(stderr).toBe('')
  return { code, lines: stdout.trimEnd().split('\n') }
}

/** The numbers that stand behind a name, each as it is printed. */
const figures = (lines: readonly string[], name: string) =>
  lines
    .filter((line) => line.trimStart().startsWith(`${name}  `))
    .map((line) =>
      line
        .trim()
        .slice(name.length)
        .trim()
        .split(/\s{2,}/),
    )

describe.skipIf(!supported)(`the neighbours of a hot channel${withoutAddon}`, () => {
  it('are measured beside each kind of channel, and the channel beside a crowd', async () => {
    const { code, lines } = await script('neighbours', 'pipe:', '60', '2', '10')
    expect(code).toBe(0)
    for (const what of ['idle', 'idle, the peer computes', 'hot', 'flooded']) {
      const rows = figures(lines, `beside a channel that is ${what}`)
      expect(rows).toHaveLength(2)
      for (const row of rows) {
        const [p50, , p99, , max, , count, rate] = row
        for (const time of [p50, p99, max]) expect(time).toMatch(/^[\d.]+ (ns|µs|ms|s)$/)
        expect(Number(count)).toBeGreaterThan(0)
        expect(rate === '0.00 /s').toBe(what.startsWith('idle'))
      }
    }
    for (const count of [0, 10]) expect(figures(lines, `${count} idle channels`)).toHaveLength(1)
  })

  it('are measured where ends meet at an address', async () => {
    const { code, lines } = await script('neighbours', 'seqpacket:', '40', '1', '10')
    expect(code).toBe(0)
    expect(figures(lines, '10 idle channels')).toHaveLength(1)
  })

  it('are measured without a crowd where ends cannot meet', async () => {
    const { code, lines } = await script('neighbours', 'unix:', '40', '1', '10')
    expect(code).toBe(0)
    expect(lines.at(-1)).toContain('no crowd')
  })
})

describe.skipIf(!supported)(`endurance${withoutAddon}`, () => {
  it('weighs a message, samples both processes, and judges each figure', async () => {
    const { code, lines } = await script('endurance', '0.01', 'pipe:')
    expect(lines.at(-1)).toBe(code === 0 ? 'endurance: no growth' : 'endurance: it grows')
    const weight = (name: string) => figures(lines, name)[0]!.map(Number)
    const [promise] = weight('a promise and a buffer, awaited')
    const [buffer, , bytes] = weight('a buffer')
    expect(bytes).toBe(64)
    expect(buffer).toBeGreaterThan(64)
    expect(promise).toBeGreaterThan(buffer!)
    // Over a pipe it waits for each: that is more than a promise which is ready.
    expect(weight('a round trip: trySend, await receive')[1]).toBeGreaterThan(0)
    const samples = lines.filter((line) => /^ +[\d.]+ +[\d.]+ [kMG]?\/s/.test(line))
    expect(samples.length).toBeGreaterThanOrEqual(12)
    for (const figure of Object.keys(TOLERATED)) expect(figures(lines, figure)).toHaveLength(2)
  })

  it('fails of a process that keeps what it should not', async () => {
    const { code, lines } = await script('endurance', '0.01', 'pipe:', '--leak')
    expect(code).toBe(1)
    expect(lines.at(-1)).toBe('endurance: it grows')
    const [here] = figures(lines, 'heapUsed')
    expect(here).toContain('GROWS')
    expect(Number(here![2]!.replaceAll(',', ''))).toBeGreaterThan(2 * 1024 * 1024)
  })
})

describe('a trend', () => {
  const samples = (of: (index: number) => number) =>
    Array.from({ length: 21 }, (_, at) => {
      const figures = Object.fromEntries(Object.keys(TOLERATED).map((figure) => [figure, 0]))
      return { ...figures, at, heapUsed: of(at) }
    })
  const heap = (of: (index: number) => number) =>
    trends(samples(of)).find(({ figure }) => figure === 'heapUsed')!
  const tolerated = TOLERATED.heapUsed!

  it('is what the line through the second half grows by', () => {
    const { grown, chance } = growth(
      samples((at) => 7 + 3 * at),
      'heapUsed',
    )
    expect(grown).toBeCloseTo(30)
    expect(chance).toBeCloseTo(0)
  })

  it('is too much when it is more than is tolerated', () => {
    expect(heap((at) => (at * tolerated * 1.1) / 10).tooMuch).toBe(true)
    expect(heap((at) => (at * tolerated * 0.9) / 10).tooMuch).toBe(false)
    expect(heap((at) => -at * tolerated).tooMuch).toBe(false)
  })

  it('is not that of the first half, in which a program warms up', () => {
    expect(heap((at) => Math.min(at, 10) * tolerated).tooMuch).toBe(false)
  })

  it('is not told from noise that is larger', () => {
    const noise = (at: number) => (at % 2) * 100 * tolerated
    expect(heap((at) => noise(at) + (at * tolerated) / 5).tooMuch).toBe(false)
    expect(heap((at) => noise(at) / 1000 + (at * tolerated) / 5).tooMuch).toBe(true)
  })

  it('needs samples', () => {
    expect(() => growth(samples(() => 0).slice(0, 3), 'heapUsed')).toThrow(RangeError)
  })
})
