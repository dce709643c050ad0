import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SignalQueue } from '../src/index.js'
import { compile, noCompiler, noPython, notRoot, python, start } from './support/others.js'
import { has, support } from './support/programs.js'

const COUNT = 1000
const FIRST = 2n ** 63n

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-posix-'))
  chmodSync(directory, 0o755)
})
afterAll(() => rmSync(directory, { recursive: true }))

let compiled: string | undefined
const inC = (...args: string[]) => {
  compiled ??= compile('signal_queue', directory)
  return start(compiled, args)
}
const inPython = (...args: string[]) => python('signal_queue', ...args)

const receiveMany = async (queue: SignalQueue) => {
  const came: { value: bigint; pid: number }[] = []
  while (came.length < COUNT) came.push(await queue.receive())
  return came
}

describe.each([
  ['C', inC, noCompiler, 'cc'],
  ['Python', inPython, noPython, 'python3'],
] as const)('SignalQueue and a program in %s', (_, begin, missing, needs) => {
  const skipped = missing ? ` (skipped: there is no ${needs})` : ''

  it.skipIf(missing)(`gets all that it sends to the process${skipped}`, async () => {
    using queue = SignalQueue.open()
    const args = [process.pid, 0, queue.signal, COUNT, FIRST].map(String)
    const { child, output } = begin('send', ...args)
    const came = await receiveMany(queue)
    await output
    expect(queue.tryReceive()).toBeUndefined()
    expect(new Set(came.map(({ pid }) => pid))).toEqual(new Set([child.pid]))
    const values = came.map(({ value }) => Number(value - FIRST))
    expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, index) => index))
  })

  it.skipIf(missing)(`sends what it receives, in order${skipped}`, async () => {
    const signal = 40
    const { child, output } = begin('receive', String(signal), String(COUNT))
    await once(child.stdout!, 'data')
    const values = Array.from({ length: COUNT }, (_, index) => FIRST + BigInt(index))
    for (const value of values)
      while (!SignalQueue.send({ pid: child.pid! }, signal, value))
        await new Promise((resolve) => setImmediate(resolve))
    const lines = (await output).trim().split('\n')
    expect(lines.slice(-COUNT)).toEqual(values.map((value) => `${value} from ${process.pid}`))
  })
})

it.skipIf(noCompiler)(
  `keeps the order of what a program in C directs at the thread${noCompiler ? ' (skipped: there is no cc)' : ''}`,
  async () => {
    using queue = SignalQueue.open()
    const { pid, tid } = queue.address
    const { output } = inC('send', ...[pid, tid, queue.signal, COUNT, FIRST].map(String))
    const came = await receiveMany(queue)
    await output
    expect(came.map(({ value }) => value)).toEqual(
      Array.from({ length: COUNT }, (_, index) => FIRST + BigInt(index)),
    )
  },
)

// The limit counts all processes of a user: this one has none.
const SOMEBODY = ['--reuid=61235', '--regid=61235', '--clear-groups']
const unable = noCompiler || notRoot || !has('prlimit')
const why = unable ? ' (skipped: needs root, cc, setpriv and prlimit)' : ''
it.skipIf(unable).each([20, 1])(
  `loses nothing of what is directed at the process where %i may be pending${why}`,
  async (most) => {
    compiled ??= compile('signal_queue', directory)
    const program = [process.execPath, support('signal-queue.mjs'), 'from', compiled]
    const { output } = start('setpriv', [...SOMEBODY, 'prlimit', `--sigpending=${most}`, ...program])
    expect(await output).toBe('1000 came\n')
  },
)
