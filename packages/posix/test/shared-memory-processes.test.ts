import { rmSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SharedMemory } from '../src/index.js'
import { compileObjects, has, run, support } from './support/programs.js'

const used: string[] = []
const fresh = () => {
  const name = `strait-test-${process.pid}-${used.length}`
  used.push(name)
  return name
}
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)))
const write = (memory: SharedMemory, words: string) => memory.write(0, new TextEncoder().encode(`${words}\0`))

afterEach(() => {
  for (const name of used) rmSync(`/dev/shm/${name}`, { force: true })
})

describe.skipIf(!has('python3'))('SharedMemory and Python (skipped without python3)', () => {
  const python = (...args: string[]) => run('python3', [support('shared_memory.py'), ...args])

  it('Python opens what was made here', async () => {
    const name = fresh()
    using memory = SharedMemory.create(name, 4096)
    write(memory, 'from Node')
    expect(await python('answer', name, 'from Python')).toEqual({
      status: 0,
      signal: null,
      output: 'from Node',
    })
    expect(text(memory.bytes)).toBe('from Python')
    using again = SharedMemory.open(name)
    expect(text(again.bytes)).toBe('from Python')
  })

  it('what Python made is opened here, and stays when it is closed', async () => {
    const name = fresh()
    expect((await python('create', name, 'made by Python')).status).toBe(0)
    const memory = SharedMemory.open(name)
    expect([text(memory.bytes), memory.size]).toEqual(['made by Python', 4096])
    write(memory, 'back from Node')
    memory.close()
    expect((await python('answer', name, 'bye')).output).toBe('back from Node')
    expect(SharedMemory.unlink(name)).toBe(true)
  })
})

describe.skipIf(!has('cc'))('SharedMemory and C (skipped without cc)', () => {
  let objects: ReturnType<typeof compileObjects>
  beforeAll(() => {
    objects = compileObjects()
  })
  afterAll(() => objects.remove())

  it('C opens what was made here, and what C made is opened here', async () => {
    const [ours, theirs] = [fresh(), fresh()]
    using memory = SharedMemory.create(ours, 4096)
    write(memory, 'from Node')
    expect((await run(objects.path, ['answer', `/${ours}`, 'from C'])).output).toBe('from Node')
    expect(text(memory.bytes)).toBe('from C')
    expect((await run(objects.path, ['create', `/${theirs}`, 'made by C'])).status).toBe(0)
    using opened = SharedMemory.open(theirs)
    expect(text(opened.bytes)).toBe('made by C')
  })

  it('counts with Atomics while C counts with its own, and none is lost', async () => {
    using memory = SharedMemory.anonymous(64)
    const counter = memory.view(Int32Array, 0, 1)
    const other = run(objects.path, ['add', '3000000'], { descriptors: [memory.descriptor] })
    let ended = false
    void other.then(() => {
      ended = true
    })
    let added = 0
    while (!ended) {
      for (let i = 0; i < 100_000; i++, added++) Atomics.add(counter, 0, 1)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await other).status).toBe(0)
    expect(Atomics.load(counter, 0)).toBe(3_000_000 + added)
  })
})

describe('SharedMemory and other Node processes', () => {
  it('passes 16 MiB without a name to a child, by its descriptor, and back', async () => {
    const size = 16 * 2 ** 20
    using memory = SharedMemory.anonymous(size, { seals: ['shrink', 'grow'] })
    memory.view(Uint32Array).forEach((_, index, words) => {
      words[index] = index
    })
    const { status, output } = await run(process.execPath, [support('invert.mjs')], {
      descriptors: [memory.descriptor],
    })
    expect([status, output]).toEqual([0, `${size} shrink,grow`])
    expect(memory.view(Uint32Array).every((word, index) => word === ~index >>> 0)).toBe(true)
  })

  it('is made by exactly one of those who start at once, and never seen half made', async () => {
    const [prefix, rounds] = [fresh(), 300]
    const start = SharedMemory.create(prefix, 4)
    const racers = [1, 2, 3, 4].map(() =>
      run(process.execPath, [support('race.mjs'), prefix, String(rounds)]),
    )
    const ran = await Promise.all(racers)
    start.unlink()
    start.close()
    for (let round = 0; round < rounds; round++) SharedMemory.unlink(`${prefix}-${round}`)
    expect(ran.map(({ status }) => status)).toEqual([0, 0, 0, 0])
    const made = ran.flatMap(({ output }) => output.split(' ').filter((round) => round !== ''))
    expect(made.map(Number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: rounds }, (_, round) => round),
    )
  })
})
