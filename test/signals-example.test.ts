import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 60_000 })

const program = fileURLToPath(new URL('../examples/dist/signals/main.js', import.meta.url))
const results = [89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765]
const fibs = results.map((value, index) => `fib(${10 + index}) = ${value}`)

/** Who lives in a process group. An orphan may stay a zombie for as long as init likes. */
function living(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // State, parent and process group; proc_pid_stat(5).
        const [state, , pgrp] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
        return Number(pgrp) === group && state !== 'Z'
      } catch {
        return false
      }
    })
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('the example of ordinary signals', () => {
  let temporary: string
  let child: ChildProcess | undefined

  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), 'strait-test-'))
  })

  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
    child = undefined
    rmSync(temporary, { recursive: true })
  })

  /** Runs it in a process group of its own, as a shell does, and calls back with each line that it prints. */
  async function run(args: readonly string[], onLine: (line: string, pid: number) => void) {
    child = spawn(process.execPath, [program, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: temporary },
    })
    const { pid, stdout, stderr } = child
    const closed = once(child, 'close')
    let complaint = ''
    stderr!.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    const lines: string[] = []
    for await (const line of createInterface({ input: stdout! })) {
      lines.push(line)
      onLine(line, pid!)
    }
    const [, signal] = await closed
    while (living(pid!).length > 0) await turn()
    expect(readdirSync(temporary)).toEqual([])
    const [greeting, ...rest] = lines
    expect(greeting).toBe(`starting ten children; press Ctrl-C at any time, or run: kill ${pid}`)
    return { lines: rest, signal, complaint }
  }

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends its children cleanly when %s reaches the whole group',
    async (signal) => {
      const ended = await run(['unix:'], (line, pid) => {
        if (!line.startsWith('nothing more')) return
        expect(living(pid)).toHaveLength(11)
        process.kill(-pid, signal)
      })
      expect(ended).toEqual({
        signal,
        complaint: '',
        lines: [
          'all ten are there',
          ...fibs,
          'nothing more to do; they wait',
          `${signal}: the children finish what they are at`,
          'the children ended with 0 0 0 0 0 0 0 0 0 0',
          'nobody is left',
        ],
      })
    },
  )

  it('ends them likewise when the signal reaches it alone, over another mechanism', async () => {
    const { lines, signal } = await run(['fork:'], (line, pid) => {
      if (line.startsWith('nothing more')) process.kill(pid, 'SIGTERM')
    })
    expect(signal).toBe('SIGTERM')
    expect(lines.slice(-2)).toEqual(['the children ended with 0 0 0 0 0 0 0 0 0 0', 'nobody is left'])
  })

  it('lets them finish what they compute', async () => {
    const { lines, signal } = await run(['unix:', '25'], (line, pid) => {
      if (line === 'all ten are there') process.kill(-pid, 'SIGINT')
    })
    expect(signal).toBe('SIGINT')
    const results = lines.filter((line) => line.startsWith('fib('))
    expect(results).toHaveLength(10)
    expect(results.at(-1)).toBe('fib(34) = 9227465')
    expect(lines.at(-2)).toBe('the children ended with 0 0 0 0 0 0 0 0 0 0')
  })

  it('kills them at once when it is asked again', async () => {
    // fib(60) would take days.
    const ended = await run(['unix:', '60'], (line, pid) => {
      if (line === 'all ten are there' || line.startsWith('SIGINT: ')) process.kill(-pid, 'SIGINT')
    })
    expect(ended).toEqual({
      signal: 'SIGINT',
      complaint: '',
      lines: [
        'all ten are there',
        'SIGINT: the children finish what they are at',
        'SIGINT again: the children are killed',
        `the children ended with${' SIGKILL'.repeat(10)}`,
        'nobody is left',
      ],
    })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'gives up starting when %s comes as early as that',
    async (signal) => {
      const ended = await run(['unix:'], (line, pid) => {
        if (line.startsWith('starting')) process.kill(-pid, signal)
      })
      expect(ended).toMatchObject({ signal, complaint: '' })
      expect(ended.lines).not.toContain('all ten are there')
      expect(ended.lines.at(-1)).toBe('nobody is left')
    },
  )

  it('takes its children with it when it is killed', async () => {
    // Each may complain of its channel before it notices that its parent is gone.
    const { lines, signal } = await run(['unix:'], (line, pid) => {
      if (line.startsWith('nothing more')) process.kill(pid, 'SIGKILL')
    })
    expect(signal).toBe('SIGKILL')
    expect(lines.at(-1)).toBe('nothing more to do; they wait')
  })
})
