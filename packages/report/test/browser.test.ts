import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Results } from '@strait/bench'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { htmlReport, mainChart } from '../src/index.js'
import { exampleResults, noisyResults, smallestResults } from './support/results.js'

const CHROMIUM = '/usr/bin/chromium'

describe.skipIf(!existsSync(CHROMIUM))(`a report in Chromium (needs ${CHROMIUM})`, () => {
  let browser: Browser
  let directory: string

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'strait-report-'))
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
    browser = await chromium.launch({ executablePath: CHROMIUM, args })
  })

  afterAll(async () => {
    await browser?.close()
    rmSync(directory, { recursive: true })
  })

  /** A tab with a file, and what it has complained of and asked for besides. */
  async function open(name: string, text: string, look: Parameters<Browser['newPage']>[0] = {}) {
    const file = join(directory, name)
    writeFileSync(file, text)
    const url = pathToFileURL(file).href
    const tab = await browser.newPage(look)
    const complaints: string[] = []
    tab.on('console', (message) => complaints.push(message.text()))
    tab.on('pageerror', (error) => complaints.push(String(error)))
    tab.on('request', (request) => {
      if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(request.url())
    })
    await tab.goto(url)
    return { tab, complaints }
  }

  const noisy = (): Results => noisyResults('a'.repeat(2000))

  it.each([
    ['of one row', smallestResults],
    ['of many', noisy],
  ])('%s asks for nothing, and fits on a phone', async (_, results) => {
    const page = htmlReport(results())
    for (const width of [1200, 800, 360]) {
      const { tab, complaints } = await open('report.html', page, { viewport: { width, height: 740 } })
      // Written as text, for its types are those of a browser.
      await tab.evaluate('for (const details of document.querySelectorAll("details")) details.open = true')
      expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width)
      expect(complaints).toEqual([])
      await tab.close()
    }
  })

  it('tells those who do not see it what each chart shows, once, and has its table', async () => {
    const { tab } = await open('report.html', htmlReport(exampleResults()))
    for (const landmark of ['banner', 'navigation', 'main', 'contentinfo'] as const) {
      expect(await tab.getByRole(landmark).count()).toBe(1)
    }
    const figures = await tab.locator('figure').count()
    expect(await tab.getByRole('img').count()).toBe(figures)
    expect(await tab.getByRole('img', { name: /\w/ }).count()).toBe(figures)
    const levels = await tab.evaluate(
      '[...document.querySelectorAll("h1, h2, h3")].map(({ tagName }) => +tagName[1])',
    )
    for (const [index, level] of (levels as number[]).entries()) {
      expect(level - ((levels as number[])[index - 1] ?? 0)).toBeLessThanOrEqual(1)
    }
    for (const section of await tab.locator('section').all()) {
      await section.locator('summary').first().focus()
      await tab.keyboard.press('Enter')
      expect(await section.getByRole('table').first().isVisible()).toBe(true)
      expect(await section.getByRole('rowheader').count()).toBeGreaterThan(0)
    }
    await tab.close()
  })

  it('is light or dark as the reader likes, and its text can be read in both', async () => {
    const backgrounds: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const { tab } = await open('report.html', htmlReport(noisy()), { colorScheme })
      backgrounds.push(await tab.evaluate('getComputedStyle(document.body).backgroundColor'))
      expect(await tab.evaluate(CONTRASTS)).toEqual([])
      await tab.close()
    }
    expect(new Set(backgrounds).size).toBe(2)
  })

  it('draws the chart for a README as well-formed SVG', async () => {
    const { tab, complaints } = await open('chart.svg', mainChart(exampleResults()))
    expect(await tab.evaluate('document.documentElement.namespaceURI')).toBe('http://www.w3.org/2000/svg')
    expect(complaints).toEqual([])
    await tab.close()
  })
})

/** The texts, in HTML and in charts, not the signs of legends, whose contrast to what lies behind them is under 4.5; WCAG 2.2, 1.4.3. */
const CONTRASTS = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const luminance = (colour) => channels(colour).slice(0, 3)
    .map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0)
  const behind = (element) => {
    const { backgroundColor } = getComputedStyle(element)
    return channels(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor
  }
  const low = []
  for (const element of document.querySelectorAll('body *:not([aria-hidden])')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')) continue
    const style = getComputedStyle(element)
    const text = element.closest('svg') === null ? style.color : style.fill
    const [a, b] = [luminance(text), luminance(behind(element))].sort((a, b) => b - a)
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push([element.tagName, element.textContent.slice(0, 40), text])
  }
  return low
})()`
