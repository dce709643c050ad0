import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const generator = fileURLToPath(new URL('../scripts/generate.mjs', import.meta.url))

const row = (given: object) => ({
  url: 'unix:',
  scheme: 'unix',
  mode: 'hot',
  placement: 'different-cores',
  payloadBytes: 64,
  rttNs: { p50: 45_000, p99: 90_000 },
  ratioToFloor: 1.2345,
  floorSpread: 0.05,
  noisy: false,
  ...given,
})
const bare = (given: object) =>
  row({
    peer: 'net, Unix socket',
    rttNs: { p50: 50_000, p99: 1 },
    ratioToFloor: null,
    floorSpread: null,
    ...given,
  })
const machine = { cpu: 'A processor', cores: 2, virtual: true, kernel: 'Linux 6', node: 'v20' }

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-measured-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

async function generate(
  rows: readonly object[] | undefined,
  options: readonly string[] = [],
  parts: readonly object[] = [{ notes: [] }],
): Promise<void> {
  const results = join(directory, 'results.json')
  rmSync(results, { force: true })
  if (rows !== undefined)
    writeFileSync(results, JSON.stringify({ date: '2026-01-02T03:04:05Z', machine, rows, parts }))
  await run(process.execPath, [generator, '--results', results, ...options, join(directory, 'page.md')])
}

/** What becomes of a generated part. */
async function generated(kind: string, rows: readonly object[] | undefined): Promise<string> {
  writeFileSync(join(directory, 'page.md'), `<!-- generated:${kind} -->\n<!-- /generated -->\n`)
  await generate(rows)
  return readFileSync(join(directory, 'page.md'), 'utf8').split('\n').slice(1, -2).join('\n')
}

/** The cells of the line that begins with a name. */
const cells = (table: string, name: string) => {
  const lines = table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  return lines.find((line) => line[1]?.includes(name))?.slice(-5, -1)
}

describe('what was measured', () => {
  it('stands on the page of a mechanism, by mode, beside the floor and bare Node', async () => {
    const rows = [
      row({}),
      bare({}),
      row({ mode: 'parked', ratioToFloor: null, rttNs: { p50: 4567, p99: 8000 } }),
    ]
    const table = await generated('cost unix', rows)
    expect(cells(table, 'hot')).toEqual(['45.0', '90.0', '1.23', '0.90'])
    expect(cells(table, 'parked')).toEqual(['4.57', '8.00', '–', '–'])
    expect(cells(table, 'sync')).toBeUndefined()
  })

  it('is not written where the first part of the run says that it should not be quoted', async () => {
    writeFileSync(join(directory, 'page.md'), '<!-- generated:cost unix -->\n<!-- /generated -->\n')
    const noisy = { notes: ['others kept 1.0 cores busy meanwhile'] }
    await expect(generate([row({})], [], [noisy, { notes: [] }])).rejects.toThrow(noisy.notes[0])
    expect(readFileSync(join(directory, 'page.md'), 'utf8')).not.toContain('45.0')
  })

  it('is written where another part of the run says so, whose rows are noisy', async () => {
    writeFileSync(join(directory, 'page.md'), '<!-- generated:cost unix -->\n<!-- /generated -->\n')
    await generate([row({})], [], [{ notes: [] }, { notes: ['the machine was busy'] }])
    expect(readFileSync(join(directory, 'page.md'), 'utf8')).toContain('45.0')
  })

  it('says that it is noisy in place of numbers', async () => {
    const noisy = async (...rows: object[]) => cells(await generated('cost unix', rows), 'hot')
    expect(await noisy(row({ noisy: true }), bare({}))).toEqual(['noisy', 'noisy', 'noisy', 'noisy'])
    expect(await noisy(row({}), bare({ noisy: true }))).toEqual(['45.0', '90.0', '1.23', 'noisy'])
    expect(await noisy(row({ floorSpread: 0.2 }), bare({}))).toEqual(['45.0', '90.0', 'noisy', '0.90'])
  })

  it('is related to the quickest bare Node at the same place, and to no library beyond', async () => {
    const table = await generated('cost unix', [
      row({}),
      bare({}),
      bare({ peer: 'node-ipc', rttNs: { p50: 1, p99: 1 } }),
      bare({ placement: 'same-core', rttNs: { p50: 1, p99: 1 } }),
    ])
    expect(cells(table, 'hot')).toEqual(['45.0', '90.0', '1.23', '0.90'])
  })

  it('is that of 64 bytes on different cores', async () => {
    const others = [row({ payloadBytes: 1024 }), row({ placement: 'same-core' })]
    expect(cells(await generated('cost unix', others), 'hot')).toEqual(['–', '–', '–', '–'])
  })

  it('stands in the table of all transports', async () => {
    const table = await generated('round-trips', [row({}), bare({})])
    expect(cells(table, '`unix:`')).toEqual(['45.0', '90.0', '1.23', '0.90'])
    expect(cells(table, '`tcp:`')).toEqual(['–', '–', '–', '–'])
    expect(table).toContain('A processor, 2 cores, a virtual machine, Linux 6, Node v20, 2026-01-02.')
  })

  it('is said not to be there yet where nothing is', async () => {
    expect(await generated('cost unix', undefined)).toBe('_Not measured yet._')
    expect(await generated('cost unix', [row({ scheme: 'tcp' })])).toBe('_Not measured yet._')
    expect(await generated('measured-on', undefined)).toBe('_Nothing is published yet._')
  })

  it('makes a page stale when it differs', async () => {
    await generated('cost unix', [row({})])
    await generate([row({})], ['--check'])
    await expect(generate([row({ rttNs: { p50: 46_000, p99: 90_000 } })], ['--check'])).rejects.toMatchObject(
      {
        code: 1,
      },
    )
  })
})
