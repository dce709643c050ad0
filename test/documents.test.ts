import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { mem, schemes } from 'strait'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const generator = join(root, 'scripts/generate.mjs')

function documents(directory = root): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || ['node_modules', 'dist', 'bundle'].includes(entry.name)) return []
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return documents(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

const withoutCode = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')
const withoutGenerated = (text: string) =>
  text.replace(/^<!-- generated:[\s\S]*?^<!-- \/generated -->$/gm, '')

/** What a heading is called in a link, as GitHub does it. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const anchors = (text: string) =>
  new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading!)))

describe('the documents', () => {
  it('have generated parts that are up to date', async () => {
    await run(process.execPath, [generator, '--check'])
  })

  it('have a generator that names what is stale and with --check writes nothing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'strait-test-'))
    try {
      const file = join(directory, 'page.md')
      const stale = '# Page\n\n<!-- generated:capabilities mem -->\nold\n<!-- /generated -->\n'
      writeFileSync(file, stale)
      const failure = await run(process.execPath, [generator, '--check', file]).catch((error) => error)
      expect(failure.code).toBe(1)
      expect(failure.stdout).toContain('page.md')
      expect(readFileSync(file, 'utf8')).toBe(stale)

      await run(process.execPath, [generator, file])
      expect(readFileSync(file, 'utf8')).toMatch(/^\| `scope` +\| process +\|$/m)
      await run(process.execPath, [generator, '--check', file])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('have links that lead somewhere', () => {
    const broken: string[] = []
    for (const path of documents()) {
      for (const [, target] of withoutCode(readFileSync(path, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target!)) continue
        const [file, fragment] = target!.split('#')
        const there = file === '' ? path : join(dirname(path), file!)
        const found =
          existsSync(there) && (fragment === undefined || anchors(readFileSync(there, 'utf8')).has(fragment))
        if (!found) broken.push(`${relative(root, path)} → ${target}`)
      }
    }
    expect(broken).toEqual([])
  })

  it('show only TypeScript that comes from a file', () => {
    const typed = documents().filter((path) => /^```ts$/m.test(withoutGenerated(readFileSync(path, 'utf8'))))
    expect(typed.map((path) => relative(root, path))).toEqual([])
  })

  it('list every error code and every capability that there is', () => {
    const contract = readFileSync(join(root, 'docs/contract.md'), 'utf8')
    const listed = (heading: string) => {
      const section = contract.split(new RegExp(`^## ${heading}$`, 'm'))[1]!.split(/^## /m)[0]!
      return [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name).sort()
    }
    const source = readFileSync(join(root, 'packages/core/src/error.ts'), 'utf8')
    const codes = [...source.matchAll(/^ {2}\| '([A-Z_]+)'$/gm)].map(([, code]) => code).sort()
    expect(listed('Errors')).toEqual(codes)
    expect(listed('Capabilities')).toEqual(Object.keys(mem.capabilities).sort())
  })

  it('ask the same questions in the picture as in the list, and give the same answers', () => {
    const page = readFileSync(join(root, 'docs/mechanisms.md'), 'utf8')
    const asked = [...page.matchAll(/^\d+\. (.*\?) (\[.*)$/gm)].flatMap(([, question, answers]) => [
      question!,
      [...answers!.matchAll(/`(\S+:)`/g)].map(([, scheme]) => scheme!).join(' '),
    ])
    const picture = readFileSync(join(root, 'docs/which-one.svg'), 'utf8')
    const texts = [...picture.matchAll(/<text(?: class="scheme")?>([\s\S]*?)<\/text>/g)]
    const drawn = texts.map(([, text]) =>
      text!
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    expect(asked.length).toBeGreaterThan(0)
    expect(drawn).toEqual(asked)
  })

  it('have the same headings for each mechanism', () => {
    const page = readFileSync(join(root, 'docs/mechanisms.md'), 'utf8')
    const parts = page.split(/^## /m).filter((part) => /^`[a-z+-]+:`/.test(part))
    const headings = parts.map((part) =>
      [...part.matchAll(/^(?:- )?\*\*([A-Z][a-z ]+)\*\*:/gm)].map(([, name]) => name),
    )
    const order = ['Guarantees', 'Does not', 'Limits', 'Fails', 'See it', 'Choose it', 'Costs']
    expect(headings).toEqual(parts.map(() => order))
    const costs = [...page.matchAll(/<!-- generated:cost (\S+) -->/g)].map(([, scheme]) => scheme)
    expect(costs).toEqual(schemes.filter((scheme) => scheme !== 'wss'))
  })

  it('begin with a page of at most 200 lines', () => {
    expect(readFileSync(join(root, 'README.md'), 'utf8').split('\n').length).toBeLessThanOrEqual(201)
  })

  it('include a page for every package', () => {
    const packages = readdirSync(join(root, 'packages'))
    expect(packages.filter((name) => !existsSync(join(root, 'packages', name, 'README.md')))).toEqual([])
  })
})
