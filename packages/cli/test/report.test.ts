import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { strait } from './strait.js'

describe('strait report', () => {
  let directory: string
  const file = (name: string) => join(directory, name)
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'strait-test-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it('draws from the file what bench draws itself, and says what was called', async () => {
    const args = [
      'bench',
      '--quick',
      '--url',
      'mem:',
      '--output',
      file('run.json'),
      '--html',
      file('run.html'),
    ]
    expect((await strait(args)).code).toBe(0)
    const drawn = await strait([
      'report',
      file('run.json'),
      '--html',
      file('again.html'),
      '--svg',
      file('run.svg'),
    ])
    expect(drawn).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const page = readFileSync(file('run.html'), 'utf8')
    expect(readFileSync(file('again.html'), 'utf8')).toBe(page)
    expect(page).toContain(`<code>strait ${args.join(' ')}</code>`)
    expect(readFileSync(file('run.svg'), 'utf8')).toMatch(/^<svg .*mem:.*<\/svg>\s*$/s)
  })

  it('refuses with exit code 2 what no run has left, a file that is not there, and to draw nothing', async () => {
    writeFileSync(file('other.json'), '{"version":1}')
    for (const [args, reason] of [
      [
        [file('other.json'), '--svg', file('x.svg')],
        'is not what strait bench --json of this version prints',
      ],
      [[file('nothing.json'), '--svg', file('x.svg')], 'ENOENT'],
      [[file('other.json')], 'say what to write: --html <file> or --svg <file>'],
    ] as const) {
      const { code, stderr } = await strait(['report', ...args])
      expect(stderr).toContain(reason)
      expect(code).toBe(2)
    }
  })
})
