import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { MemorySemaphore, NamedSemaphore, SharedMemory, SysvSemaphore } from '../src/index.js'
import {
  BUILT,
  compile,
  inDirectory,
  NOBODY,
  noCompiler,
  node,
  noPython,
  notRoot,
  skippedUnlessRoot,
  skippedWithoutCompiler,
  skippedWithoutPython,
  start,
} from './support/others.js'
import {
  freshSemaphore,
  freshSemaphoreKey,
  mappings,
  threads,
  unlinkSemaphores,
} from './support/semaphores.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const IMPORT = `import { MemorySemaphore, NamedSemaphore, SharedMemory, SysvSemaphore } from ${JSON.stringify(BUILT)}
const attempt = (work) => { try { return work() ?? 'done' } catch (error) { return error.code } }
`

const snapshot = () => ({ descriptors: descriptors(), mappings: mappings(), threads: threads() })
let before: ReturnType<typeof snapshot>
beforeEach(() => {
  before = snapshot()
})
afterEach(async () => {
  unlinkSemaphores()
  await turns()
  expect(snapshot()).toEqual(before)
})

/** A process that prints a line when it has come so far, and how it ends. */
async function lineOf(child: ChildProcess): Promise<string> {
  const [line] = await once(createInterface(child.stdout!), 'line')
  return line
}

const script = (program: string, ...wrapper: string[]) => {
  const [command = '', ...args] = [
    ...wrapper,
    process.execPath,
    '--input-type=module',
    '-e',
    IMPORT + program,
  ]
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function killed(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

// C and Python

type Other = (verb: string, ...args: (string | number)[]) => ReturnType<typeof start>
type Semaphore = MemorySemaphore | NamedSemaphore | SysvSemaphore

interface Kind {
  /** Two places, as others are told of them. */
  readonly where: [string, string]
  create(where: string, initial: number): Semaphore
  open(where: string): Semaphore
}

/** The semaphores of a kind, and the memory that others have as descriptor 3. */
const KINDS: Record<string, (memory: SharedMemory) => Kind> = {
  MemorySemaphore: (memory) => ({
    where: ['memory:0', 'memory:128'],
    create: (where, initial) => MemorySemaphore.create(memory, Number(where.slice(7)), initial),
    open: (where) => MemorySemaphore.open(memory, Number(where.slice(7))),
  }),
  NamedSemaphore: () => ({
    where: [freshSemaphore(), freshSemaphore()],
    create: (where, initial) => NamedSemaphore.create(where, initial),
    open: (where) => NamedSemaphore.open(where),
  }),
  SysvSemaphore: () => ({
    where: [String(freshSemaphoreKey()), String(freshSemaphoreKey())],
    create: (where, initial) => SysvSemaphore.create(Number(where), initial),
    open: (where) => SysvSemaphore.open(Number(where)),
  }),
}

type Using = (memory: SharedMemory, work: (other: Other) => Promise<void>) => Promise<void>
const withMemory = (memory: SharedMemory): SpawnOptions => ({
  stdio: ['ignore', 'pipe', 'inherit', memory.descriptor],
})

const OTHERS: [string, boolean, Using][] = [
  [
    `C${skippedWithoutCompiler}`,
    noCompiler,
    (memory, work) =>
      inDirectory(async (directory) => {
        const program = compile('semaphore', directory)
        await work((...args) => start(program, args.map(String), withMemory(memory)))
      }),
  ],
  [
    `Python${skippedWithoutPython}`,
    noPython,
    async (memory, work) => {
      const program = fileURLToPath(new URL('support/semaphore.py', import.meta.url))
      await work((...args) => start('python3', [program, ...args.map(String)], withMemory(memory)))
    },
  ],
]

for (const [name, missing, using] of OTHERS) {
  for (const [kind, kindIn] of Object.entries(KINDS)) {
    describe.skipIf(missing)(`${kind} and ${name}`, () => {
      const withOther = async (work: (other: Other, kind: Kind) => Promise<void>) => {
        using memory = SharedMemory.anonymous(4096)
        await using(memory, (other) => work(other, kindIn(memory)))
      }

      it('finds what the other has made, and takes and gives permits of it', () =>
        withOther(async (other, { where: [where], open }) => {
          await other('make', where, 3).output
          using semaphore = open(where)
          expect(semaphore.value).toBe(3)
          await semaphore.acquire()
          expect(semaphore.tryAcquire()).toBe(true)
          expect(await other('value', where).output).toBe('1\n')
          semaphore.release()
          await other('take', where, 2).output
          expect(semaphore.value).toBe(0)
        }))

      it('wakes one that waits, and is woken by it', () =>
        withOther(async (other, { where: [where], create }) => {
          using semaphore = create(where, 0)
          const taking = other('take', where, 2)
          semaphore.release()
          semaphore.release()
          expect(await taking.output).toBe('taken\n')
          const waiting = [semaphore.acquire(), semaphore.acquire(), semaphore.acquire()]
          await other('give', where, 3).output
          await Promise.all(waiting)
          const { output } = other('give', where, 1)
          semaphore.acquireSync({ timeout: 10_000 })
          await output
          expect(semaphore.value).toBe(0)
        }))

      it('plays a thousand permits to and fro with it', () =>
        withOther(async (other, { where: [there, back], create }) => {
          using first = create(there, 0)
          using second = create(back, 0)
          const { output } = other('relay', there, back, 1000)
          for (let i = 0; i < 1000; i++) {
            first.release()
            if (i % 2 === 0) await second.acquire()
            else second.acquireSync({ timeout: 10_000 })
          }
          await output
          expect([first.value, second.value]).toEqual([0, 0])
        }))

      it('a permit of one that is killed is lost, unless the kernel takes it back', () =>
        withOther(async (other, { where: [where], create }) => {
          using semaphore = create(where, 1)
          const holder = other('hold', where)
          expect(await lineOf(holder.child)).toBe('taken')
          expect(semaphore.tryAcquire()).toBe(false)
          const waiting = semaphore.acquire()
          await killed(holder.child)
          if (kind !== 'SysvSemaphore') semaphore.release()
          await waiting
        }))
    })
  }
}

describe('a semaphore and other processes', () => {
  it.skipIf(noPython)(`of Python is one of multiprocessing, too${skippedWithoutPython}`, async () => {
    const name = freshSemaphore()
    using semaphore = NamedSemaphore.create(name, 1)
    const program = `
import _multiprocessing
semaphore = _multiprocessing.SemLock._rebuild(0, 1, 1, ${JSON.stringify(name)})
print(semaphore.acquire(), semaphore._get_value())`
    expect(await start('python3', ['-c', program]).output).toBe('True 0\n')
    expect(semaphore.value).toBe(0)
  })

  it('is made by exactly one of those who open or create at once, and has its permits from the beginning', async () => {
    const [names, keys] = [
      Array.from({ length: 30 }, freshSemaphore),
      Array.from({ length: 30 }, freshSemaphoreKey),
    ]
    using arrived = NamedSemaphore.create(freshSemaphore())
    using go = NamedSemaphore.create(freshSemaphore())
    const program = `
      NamedSemaphore.open(${JSON.stringify(arrived.name)}).release()
      NamedSemaphore.open(${JSON.stringify(go.name)}).acquireSync()
      let made = 0
      const use = (semaphore) => {
        if (semaphore.created) made++
        semaphore.acquireSync()
        semaphore.close()
      }
      for (const name of ${JSON.stringify(names)}) use(NamedSemaphore.openOrCreate(name, 4))
      for (const key of ${JSON.stringify(keys)}) use(SysvSemaphore.openOrCreate(key, 4))
      console.log(made)`
    const racers = [1, 2, 3, 4].map(() => node(IMPORT + program))
    for (const _ of racers) await arrived.acquire()
    go.release(4)
    const ended = await Promise.all(racers)
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(ended.reduce((sum, { out }) => sum + Number(out), 0)).toBe(60)
    // Each of the four has taken one: nobody's permits were overwritten.
    for (const name of names) {
      using semaphore = NamedSemaphore.open(name)
      expect(semaphore.value).toBe(0)
    }
    for (const key of keys) {
      using semaphore = SysvSemaphore.open(key)
      expect(semaphore.value).toBe(0)
    }
  })

  it('has the mode that was asked for, whatever the umask is', () => {
    const umask = process.umask(0o077)
    try {
      const modes = [undefined, 0o600, 0o666].map((mode) => {
        using semaphore = NamedSemaphore.create(freshSemaphore(), 0, { mode })
        return statSync(`/dev/shm/sem.${semaphore.name.slice(1)}`).mode & 0o777
      })
      expect(modes).toEqual([0o600, 0o600, 0o666])
    } finally {
      process.umask(umask)
    }
    for (const mode of [-1, 0o1000, 1.5])
      expect(() => NamedSemaphore.create(freshSemaphore(), 0, { mode })).toThrow(RangeError)
  })

  it.skipIf(notRoot)(
    `keeps other users out by its mode, and does not trust theirs${skippedUnlessRoot}`,
    async () => {
      using ours = NamedSemaphore.create(freshSemaphore(), 1)
      using open = NamedSemaphore.create(freshSemaphore(), 1, { mode: 0o666 })
      using ourSet = SysvSemaphore.create(freshSemaphoreKey(), 1)
      using openSet = SysvSemaphore.create(freshSemaphoreKey(), 1, { mode: 0o666 })
      const [theirs, theirSet] = [freshSemaphore(), freshSemaphoreKey()]
      const program = `${IMPORT}
        console.log(attempt(() => NamedSemaphore.open(${JSON.stringify(ours.name)})))
        console.log(attempt(() => NamedSemaphore.openOrCreate(${JSON.stringify(ours.name)})))
        console.log(attempt(() => NamedSemaphore.unlink(${JSON.stringify(open.name)})))
        console.log(attempt(() => SysvSemaphore.open(${ourSet.key})))
        console.log(attempt(() => SysvSemaphore.openOrCreate(${ourSet.key})))
        console.log(attempt(() => SysvSemaphore.unlink(${openSet.key})))
        NamedSemaphore.open(${JSON.stringify(open.name)}).acquireSync()
        SysvSemaphore.open(${openSet.key}).acquireSync()
        NamedSemaphore.create(${JSON.stringify(theirs)})
        SysvSemaphore.create(${theirSet})`
      const refused = 'ERR_STRAIT_PERMISSION\n'.repeat(6)
      expect(await node(program, NOBODY)).toEqual({ code: 0, out: refused })
      expect([open.value, openSet.value]).toEqual([0, 0])
      expect(() => NamedSemaphore.open(theirs)).toThrow(/belongs to user 65534/)
      expect(() => SysvSemaphore.open(theirSet)).toThrow(/belongs to user 65534/)
      using _ = NamedSemaphore.open(theirs, { owner: 65_534 })
      using __ = SysvSemaphore.open(theirSet, { owner: 65_534 })
    },
  )

  it('is not taken for one where something else has the name', () =>
    inDirectory(async (directory) => {
      const [link, short, other] = [freshSemaphore(), freshSemaphore(), freshSemaphore()]
      const file = (name: string) => `/dev/shm/sem.${name.slice(1)}`
      symlinkSync(directory, file(link))
      writeFileSync(file(short), 'short')
      mkdirSync(file(other))
      try {
        expect(() => NamedSemaphore.open(link)).toThrow(code('PERMISSION'))
        expect(() => NamedSemaphore.create(link)).toThrow(code('ADDRESS_IN_USE'))
        expect(() => NamedSemaphore.open(short)).toThrow(code('ADDRESS_INVALID'))
        expect(() => NamedSemaphore.openOrCreate(short)).toThrow(code('ADDRESS_INVALID'))
        expect(() => NamedSemaphore.open(other)).toThrow(code('ADDRESS_INVALID'))
      } finally {
        rmdirSync(file(other))
      }
    }))
})

describe('SEM_UNDO', () => {
  /** Takes one in the way that is told, says so, and stays. */
  const holding = (key: number, take: string) => `
    const semaphore = SysvSemaphore.open(${key}, { undo: true })
    ${take}
    console.log('taken')
    setInterval(() => {}, 1000)`

  const WAYS = {
    'at once': 'semaphore.tryAcquire()',
    'blocking the thread': 'semaphore.acquireSync()',
    // There is none at first: the thread of the semaphore takes it.
    'in the thread that waits': 'await semaphore.acquire()',
  }

  for (const [way, take] of Object.entries(WAYS)) {
    it(`gives back what a killed process has taken ${way}`, async () => {
      using semaphore = SysvSemaphore.create(freshSemaphoreKey(), way === 'at once' ? 1 : 0)
      const child = script(holding(semaphore.key!, take))
      if (way !== 'at once') {
        while (semaphore.waiting === 0) await turns(1)
        semaphore.release()
      }
      expect(await lineOf(child)).toBe('taken')
      expect(semaphore.value).toBe(0)
      const waiting = semaphore.acquire()
      await killed(child)
      await waiting
      expect(semaphore.value).toBe(0)
    })
  }

  it('gives back nothing that was released, and nothing that was taken without it', async () => {
    using semaphore = SysvSemaphore.create(freshSemaphoreKey(), 5)
    const child = script(
      holding(
        semaphore.key!,
        `semaphore.acquireSync({ count: 2 })
         semaphore.release()
         semaphore.acquireSync({ undo: false })
         semaphore.release({ count: 1, undo: true })`,
      ),
    )
    expect(await lineOf(child)).toBe('taken')
    expect(semaphore.value).toBe(4)
    await killed(child)
    // Two taken and two released count up to nothing; the one taken without it stays away.
    expect(semaphore.value).toBe(4)
  })

  it('gives back nothing of an acquire that was aborted', async () => {
    using semaphore = SysvSemaphore.create(freshSemaphoreKey())
    const child = script(
      holding(
        semaphore.key!,
        `const waiting = semaphore.acquire({ signal: AbortSignal.timeout(20) })
         await waiting.catch(() => {})`,
      ),
    )
    expect(await lineOf(child)).toBe('taken')
    await killed(child)
    expect([semaphore.value, semaphore.waiting]).toEqual([0, 0])
  })

  it('is of the process: the end of a worker gives nothing back, that of its process does', async () => {
    using semaphore = SysvSemaphore.create(freshSemaphoreKey(), 1)
    const inWorker = `
      const { parentPort } = require('node:worker_threads')
      import(${JSON.stringify(BUILT)}).then(({ SysvSemaphore }) => {
        SysvSemaphore.open(${semaphore.key}, { undo: true }).acquireSync()
        parentPort.postMessage('taken')
        setInterval(() => {}, 1000)
      })`
    const child = script(`
      import { once } from 'node:events'
      import { Worker } from 'node:worker_threads'
      const worker = new Worker(${JSON.stringify(inWorker)}, { eval: true, execArgv: [] })
      await once(worker, 'message')
      await worker.terminate()
      console.log('ended')
      setInterval(() => {}, 1000)`)
    expect(await lineOf(child)).toBe('ended')
    expect(semaphore.value).toBe(0)
    await killed(child)
    expect(semaphore.value).toBe(1)
  })
})

describe('the end of a thread with a semaphore', () => {
  const FINDING = {
    NamedSemaphore: () => `NamedSemaphore.openOrCreate(${JSON.stringify(freshSemaphore())})`,
    MemorySemaphore: () => 'MemorySemaphore.create((globalThis.memory = SharedMemory.anonymous(4096)))',
    SysvSemaphore: () => `SysvSemaphore.openOrCreate(${freshSemaphoreKey()})`,
  }
  const BLOCKING = { acquireSync: 'semaphore.acquireSync()', acquire: 'semaphore.acquire()' }
  const CASES = Object.entries(FINDING).flatMap(([kind, find]) =>
    Object.entries(BLOCKING).map(([way, wait]) => [kind, way, find, wait] as const),
  )
  const inWorker = (find: string, wait: string) => `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(BUILT)}).then(({ MemorySemaphore, NamedSemaphore, SharedMemory, SysvSemaphore }) => {
      const semaphore = globalThis.kept = ${find}
      parentPort.postMessage('ready')
      ${wait}
      parentPort.postMessage('waiting')
    })`

  it.each(CASES)('comes while it is blocked in %s.%s, and leaves nothing', async (_, way, find, wait) => {
    for (let round = 0; round < 10; round++) {
      const worker = new Worker(inWorker(find(), wait), { eval: true })
      const messages: string[] = []
      worker.on('message', (each) => messages.push(each))
      while (!messages.includes(way === 'acquire' ? 'waiting' : 'ready')) await turns(1)
      expect(await worker.terminate()).toBe(1)
      expect([descriptors(), mappings()]).toEqual([before.descriptors, before.mappings])
    }
  })

  it.each(CASES)('comes with its process while it is blocked in %s.%s', async (_, way, find, wait) => {
    const program = `
      import { Worker } from 'node:worker_threads'
      const worker = new Worker(${JSON.stringify(inWorker(find(), wait))}, { eval: true, execArgv: [] })
      worker.on('message', (each) => {
        if (each === ${JSON.stringify(way === 'acquire' ? 'waiting' : 'ready')}) process.exit(7)
      })`
    expect(await node(program)).toEqual({ code: 7, out: '' })
  })

  it.each(Object.entries(FINDING))(
    'finds nothing left of 500 that were opened, waited for and closed: %s',
    async (_, find) => {
      const program = `${IMPORT}
      import { readdirSync, readFileSync } from 'node:fs'
      const snapshot = () => [
        readdirSync('/proc/self/fd').length,
        readdirSync('/proc/self/task').length,
        readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => /\\/dev\\/shm|memfd:strait/.test(line)).length,
      ].join(' ')
      const first = (globalThis.kept = ${find()})
      globalThis.memory ??= SharedMemory.anonymous(4096)
      const find = {
        NamedSemaphore: () => NamedSemaphore.open(first.name),
        MemorySemaphore: () => MemorySemaphore.create(memory),
        SysvSemaphore: () => SysvSemaphore.open(first.key),
      }[first.constructor.name]
      const live = async (times) => {
        for (let round = 0; round < times; round++) {
          const semaphore = find()
          const waiting = semaphore.acquire().catch((error) => error.code)
          semaphore.close()
          if ((await waiting) !== 'ERR_STRAIT_CLOSED') throw new Error('it has waited on')
        }
        await new Promise(setImmediate)
      }
      await live(10)
      const before = snapshot()
      await live(500)
      console.log(before === snapshot() ? 'nothing' : before + ', then ' + snapshot())`
      expect(await node(program)).toEqual({ code: 0, out: 'nothing\n' })
    },
  )

  it('is not put off by a thread that waits: the process ends when nothing else is to do', async () => {
    const program = `${IMPORT}
      const semaphore = MemorySemaphore.create(SharedMemory.anonymous(4096), 0, 1)
      await semaphore.acquire()
      await semaphore.acquire({ signal: AbortSignal.timeout(20) }).catch((error) => console.log(error.name))`
    expect(await node(program)).toEqual({ code: 0, out: 'AbortError\n' })
  })
})
