import { describe, expect, it } from 'vitest'
import { strait } from './strait.js'

const VERBS = ['fib', 'bench', 'report', 'listen', 'send', 'receive', 'echo', 'ls', 'rm', 'doctor']

describe.concurrent('strait --help', () => {
  it.each(VERBS)('shows what %s does, with examples and exit codes', async (verb) => {
    const { code, stdout, stderr } = await strait([verb, '--help'])
    expect(stderr).toBe('')
    expect(stdout).toContain(`Usage: strait ${verb}`)
    expect(stdout).toMatch(new RegExp(`Examples:\n {2}\\$ strait ${verb}`))
    expect(stdout).toContain('Exit codes:')
    expect(stdout).toContain('--json')
    expect(code).toBe(0)
  })

  it('lists the verbs', async () => {
    const { code, stdout } = await strait(['--help'])
    for (const verb of VERBS) {
      expect(stdout).toMatch(new RegExp(`^ {2}${verb}\\b`, 'm'))
    }
    expect(code).toBe(0)
  })

  it('says its version', async () => {
    const { code, stdout } = await strait(['--version'])
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(code).toBe(0)
  })

  it('answers no verb, or one that it does not have, with exit code 2', async () => {
    expect((await strait([])).code).toBe(2)
    const { code, stderr } = await strait(['fob'])
    expect(stderr).toContain("strait: unknown command 'fob'")
    expect(code).toBe(2)
  })
})
