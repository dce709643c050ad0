import type { Results } from '@strait/bench'
import { parseHTML } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { htmlReport, mainChart } from '../src/index.js'
import { percentile } from '../src/sections/percentiles.js'
import { emptyResults, exampleResults, exampleRow, noisyResults, smallestResults } from './support/results.js'

interface Cells {
  readonly textContent: string
}

/** The cells of a row of the table in a section, the row's head first. */
function cells(page: string, section: string, lane: string): string[] {
  const { document } = parseHTML(page)
  const rows = [...document.querySelectorAll(`#${section} tbody tr`)]
  const row = rows.find((row) => row.querySelector('th')?.textContent === lane)
  return [...(row?.children ?? [])].map(({ textContent }: Cells) => textContent)
}

describe('htmlReport', () => {
  const page = htmlReport({ ...exampleResults(), command: ['strait', 'bench', '--floor'] })
  const { document } = parseHTML(page)

  it('says in a table what the results say', () => {
    const results = smallestResults()
    const row = {
      ...results.rows[0]!,
      rounds: 12_345,
      floorNs: 36_000,
      ratioToFloor: 1.361,
      rttNs: { p50: 49_000, p90: 61_200, p99: 134_000, p999: 1_260_000, max: 2_000_000_000, mean: 850 },
    }
    expect(cells(htmlReport({ ...results, rows: [row] }), 'round-trips', 'unix:')).toEqual([
      ...['unix:', '49.0 µs', '61.2 µs', '134 µs', '1.26 ms', '2.00 s', '850 ns'],
      ...['36.0 µs', '1.36', '12,345', '4 %'],
    ])
  })

  it('has a table with a caption behind each chart, and an image for a wide and a narrow screen', () => {
    const sections = [...document.querySelectorAll('section')]
    expect(sections.map(({ id }) => id)).toEqual([
      ...['round-trips', 'distributions', 'percentiles', 'payloads', 'throughput', 'modes', 'placements'],
      ...['effort', 'connections', 'everything'],
    ])
    for (const section of sections) {
      expect(section.querySelector('details table caption')?.textContent).not.toBe('')
      for (const figure of section.querySelectorAll('figure')) {
        const images = [...figure.querySelectorAll('svg[role="img"]')]
        expect(images.map((image) => image.getAttribute('class'))).toEqual(['plot wide', 'plot narrow'])
        for (const image of images) expect(image.getAttribute('aria-label')).not.toBe('')
      }
    }
  })

  it('leaves out charts for which nothing was measured, and says so of figures', () => {
    const small = htmlReport(smallestResults())
    const ids = [...parseHTML(small).document.querySelectorAll('section')].map(({ id }) => id)
    expect(ids).toEqual(['round-trips', 'distributions', 'percentiles', 'throughput', 'effort', 'everything'])
    expect(cells(small, 'round-trips', 'unix:').slice(7, 9)).toEqual(['–', '–'])
    expect(htmlReport(emptyResults())).toContain('No round trips were measured.')
  })

  it('takes a lane without a figure out of the chart, and leaves it in the table', () => {
    const results = smallestResults()
    const silent = {
      ...exampleRow({ url: 'tcp:', p50: 50_000 }),
      cpuPerRoundNs: null,
      switchesPerRound: null,
    }
    const page = htmlReport({ ...results, rows: [...results.rows, silent] })
    const { document } = parseHTML(page)
    const drawn = [...document.querySelectorAll('#effort svg text')].map(({ textContent }) => textContent)
    expect(drawn).toContain('unix:')
    expect(drawn).not.toContain('tcp:')
    expect(cells(page, 'effort', 'tcp:')).toEqual(['tcp:', '–', '–', '50.0 µs'])
  })

  it('marks what should not be quoted', () => {
    expect(document.querySelector('.banner')).toBeNull()
    expect(cells(page, 'round-trips', '≈ signal:')[1]).toBe('402 µs')
    const bannerOf = (results: Results) =>
      parseHTML(htmlReport(results)).document.querySelector('.banner')?.textContent
    const noisy = noisyResults('others kept a core busy')
    expect(bannerOf(noisy)).toContain('Do not quote this run')
    expect(bannerOf(noisy)).toContain('others kept a core busy')
    const partly = bannerOf({ ...noisy, parts: [...exampleResults().parts, ...noisy.parts] })
    expect(partly).toContain('1 of 2 parts of this run call themselves noisy')
    expect(partly).toContain('others kept a core busy')
  })

  it('takes whatever is in the results for text', () => {
    const evil = `"><script>alert('x')</script>&`
    const results = smallestResults()
    const page = htmlReport({
      ...results,
      command: [evil],
      date: evil,
      machine: { ...results.machine, cpu: evil, kernel: evil, node: evil, commit: evil },
      rows: results.rows.flatMap((row) => [
        { ...row, url: evil },
        { ...row, url: evil, peer: evil },
      ]),
      parts: [{ what: evil, paceSpread: null, notes: [evil] }],
      peersMissing: [evil],
      floorMissing: evil,
    })
    const { document } = parseHTML(page)
    expect(page).not.toContain('<script')
    expect(document.querySelectorAll('script')).toHaveLength(0)
    expect(document.querySelector('.banner li')?.textContent).toBe(`${evil}: ${evil}`)
    expect(cells(page, 'round-trips', evil)[0]).toBe(evil)
  })
})

describe('percentile', () => {
  const row = { ...exampleRow({ url: 'unix:', p50: 1000 }), rounds: 1000 }

  it('is the upper end of the bin in which so many rounds end', () => {
    const distribution = [
      [100, 500],
      [200, 490],
      [300, 10],
    ] as const
    expect([50, 51, 99, 99.9].map((percent) => percentile({ ...row, distribution }, percent))).toEqual([
      100, 200, 200, 300,
    ])
  })

  it('is unknown where less than one round lies behind it', () => {
    expect(percentile({ ...row, distribution: [[100, 1000]] }, 99.95)).toBeUndefined()
  })
})

describe('mainChart', () => {
  it('is an image by itself, of the transports and nobody else', () => {
    const svg = mainChart(exampleResults())
    const { document } = parseHTML(`<body>${svg}</body>`)
    const names = [...document.querySelectorAll('text')].map(({ textContent }) => textContent)
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" role="img" aria-label="/)
    expect(names).toEqual(expect.arrayContaining(['shm:', 'unix:', 'signal:']))
    expect(names).not.toContain('node-ipc')
  })
})
