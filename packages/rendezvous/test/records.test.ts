import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { native } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { start } from '../../core/test/support/child.js'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { findRecords, HeldRecord, runtimeDirectory, sweep } from '../src/records.js'
import { failure, NOBODY, root } from './support/ends.js'

const CREATOR = new URL('./support/creator.mjs', import.meta.url)
const given = process.env.XDG_RUNTIME_DIR

/** Stands for /run/user/N. */
let home: string
let before: string[]

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'strait-run-'))
  process.env.XDG_RUNTIME_DIR = home
  before = descriptors()
})
afterEach(async () => {
  if (given === undefined) delete process.env.XDG_RUNTIME_DIR
  else process.env.XDG_RUNTIME_DIR = given
  rmSync(home, { recursive: true })
  await turns()
  expect(descriptors()).toEqual(before)
})

/** What a record that nobody holds says, and the FIFO of its name. */
function leave(name: string, text: string): void {
  mkdirSync(runtimeDirectory(), { recursive: true, mode: 0o700 })
  writeFileSync(join(runtimeDirectory(), `${name}.record`), text)
}
const hex = (digit: string) => digit.repeat(24)
const fifo = (name: string) => `${JSON.stringify({ kind: 'fifo', name })}\n`
const create = (name: string) => expect(native().mkfifo(join(runtimeDirectory(), name), 0o600)).toBe(0)

describe('C11 a record', () => {
  it('is there before its object, mode 0600 in a directory of mode 0700, and takes both away', () => {
    const record = HeldRecord.create('listen')
    expect(record.directory).toBe(join(home, 'strait'))
    expect(lstatSync(record.directory).mode & 0o777).toBe(0o700)
    record.add({ kind: 'fifo', name: `${record.name}-there` })
    const [file] = readdirSync(record.directory)
    expect(lstatSync(join(record.directory, file!)).mode & 0o777).toBe(0o600)
    expect(findRecords({ remove: false })).toEqual([
      {
        path: join(record.directory, file!),
        alive: true,
        objects: [{ kind: 'fifo', name: `${record.name}-there` }],
      },
    ])
    record.release()
    expect(readdirSync(home)).toEqual([])
  })

  it('of a living process is left alone, with what it names, by any number of sweeps', async () => {
    const child = start(CREATOR, ['hold'])
    expect(await child.line()).toBe('holding')
    const held = readdirSync(runtimeDirectory()).sort()
    expect(held).toHaveLength(3)
    for (let round = 0; round < 5; round++) sweep()
    expect(readdirSync(runtimeDirectory()).sort()).toEqual(held)
    await child.kill()
    sweep()
    expect(readdirSync(home)).toEqual([])
  })

  it('of this very process is left alone too, also by a sweep in another thread', async () => {
    const record = HeldRecord.create('listen')
    sweep()
    const program = `import('${new URL('../dist/records.js', import.meta.url)}').then(({ sweep }) => sweep())`
    const [code] = await once(new Worker(program, { eval: true }), 'exit')
    expect(code).toBe(0)
    expect(readdirSync(record.directory)).toHaveLength(1)
    record.release()
    expect(readdirSync(home)).toEqual([])
  })

  it('that is only looked at stays, dead or alive', () => {
    leave(hex('a'), fifo(`${hex('a')}-there`))
    create(`${hex('a')}-there`)
    expect(findRecords({ remove: false })).toMatchObject([{ alive: false, objects: [{ kind: 'fifo' }] }])
    expect(readdirSync(runtimeDirectory())).toHaveLength(2)
    expect(findRecords({ remove: true })).toMatchObject([{ alive: false }])
    expect(readdirSync(home)).toEqual([])
  })
})

describe('C11 a process that is killed', () => {
  it('before any of the system calls that make two FIFOs leaves nothing that the next sweep does not find', () => {
    const seen = new Set<string>()
    let step = 0
    let killed = true
    while (killed) {
      const { signal, status, stderr } = spawnSync(process.execPath, [
        CREATOR.pathname,
        'step',
        String(++step),
      ])
      killed = signal === 'SIGKILL'
      if (!killed) expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' })
      const directory = join(home, 'strait')
      const left = existsSync(directory) ? readdirSync(directory) : undefined
      seen.add(
        left === undefined ? 'nothing' : `${left.length} ${left.some((name) => /-(there|back)$/.test(name))}`,
      )
      sweep()
      expect(readdirSync(home)).toEqual([])
    }
    // Nothing; the bare directory; a record; a record and a FIFO. Every phase was hit.
    expect([...seen].sort()).toEqual(['0 false', '1 false', '2 true', 'nothing'])
    expect(step).toBeGreaterThan(15)
  })
})

describe('C13 the runtime directory', () => {
  const refused = (words: string) => {
    expect(() => HeldRecord.create('listen')).toThrowError(failure('PERMISSION', words))
    // A listener shall hear of it when it starts, not whoever connects to it.
    expect(() => sweep()).toThrowError(failure('PERMISSION', words))
  }

  it('that is a symbolic link is refused, and nothing is done where it leads', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'strait-elsewhere-'))
    writeFileSync(join(elsewhere, `${hex('a')}.record`), '')
    symlinkSync(elsewhere, runtimeDirectory())
    refused('is a symbolic link')
    expect(readdirSync(elsewhere)).toHaveLength(1)
    rmSync(elsewhere, { recursive: true })
  })

  it('that is a file is refused', () => {
    writeFileSync(runtimeDirectory(), '')
    refused('is not a directory')
  })

  it('that others may enter is refused', () => {
    for (const mode of [0o777, 0o750, 0o701]) {
      mkdirSync(runtimeDirectory())
      chmodSync(runtimeDirectory(), mode)
      refused('is open to other users')
      rmSync(runtimeDirectory(), { recursive: true })
    }
  })

  it.skipIf(!root)('of another user is refused (needs root)', () => {
    mkdirSync(runtimeDirectory(), { mode: 0o700 })
    chownSync(runtimeDirectory(), NOBODY, NOBODY)
    refused(`belongs to user ${NOBODY}`)
  })

  it('whose parent is not there is an error that names it, and not "nobody is listening"', () => {
    process.env.XDG_RUNTIME_DIR = join(home, 'gone')
    expect(() => HeldRecord.create('listen')).toThrowError(failure('SYSTEM', 'XDG_RUNTIME_DIR'))
    sweep()
  })

  it('is in the temporary directory where XDG_RUNTIME_DIR is missing or no absolute path', () => {
    delete process.env.XDG_RUNTIME_DIR
    expect(runtimeDirectory()).toBe(join(tmpdir(), `strait-${process.geteuid!()}`))
    process.env.XDG_RUNTIME_DIR = 'run'
    expect(runtimeDirectory()).toBe(join(tmpdir(), `strait-${process.geteuid!()}`))
  })
})

describe('garbage', () => {
  const GARBAGE: Record<string, string | Uint8Array> = {
    'nothing at all': '',
    'half a line': '{"kind":"fifo","name":"',
    'no JSON': 'hello\n\n}{\n',
    'JSON of another shape': 'null\n[]\n5\n"x"\n{}\n{"kind":"fifo"}\n{"kind":"fifo","name":7}\n',
    'a kind that is none': '{"kind":"toString","name":"x"}\n{"kind":"__proto__","name":"x"}\n',
    'names that lead elsewhere': ['', '.', '..', '/', '../victim', 'a/../../victim', 'victim', 'a\0b']
      .map(fifo)
      .join(''),
    'the name of another record': fifo(`${hex('b')}.record`),
    bytes: Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7919) & 255),
  }

  it.each(Object.entries(GARBAGE))('in a record, %s, is removed and stops nobody', (_, text) => {
    writeFileSync(join(home, 'victim'), 'precious')
    leave(hex('a'), '')
    writeFileSync(join(runtimeDirectory(), `${hex('a')}.record`), text)
    writeFileSync(join(runtimeDirectory(), 'victim'), 'precious')
    const living = HeldRecord.create('listen')
    sweep()
    expect(readdirSync(runtimeDirectory()).sort()).toEqual([`${living.name}.record`, 'victim'].sort())
    expect(readFileSync(join(home, 'victim'), 'utf8')).toBe('precious')
    living.release()
  })

  it('behind or before a good line does not hide that', () => {
    leave(hex('a'), `rubbish\n${fifo(`${hex('a')}-there`)}{"kind`)
    create(`${hex('a')}-there`)
    sweep()
    expect(readdirSync(home)).toEqual([])
  })

  it('of other kinds than files is left lying, and stops nobody', () => {
    mkdirSync(join(runtimeDirectory(), `${hex('a')}.record`), { recursive: true })
    chmodSync(runtimeDirectory(), 0o700)
    create(`${hex('b')}.record`)
    symlinkSync(join(home, 'victim'), join(runtimeDirectory(), `${hex('c')}.record`))
    leave(hex('d'), fifo(`${hex('d')}-there`))
    create(`${hex('d')}-there`)
    expect(findRecords({ remove: true })).toHaveLength(1)
    expect(readdirSync(runtimeDirectory()).sort()).toEqual(
      [hex('a'), hex('b'), hex('c')].map((name) => `${name}.record`),
    )
  })

  it('that cannot be removed is left lying, and stops nobody', () => {
    leave(hex('a'), fifo(`${hex('a')}-there`))
    mkdirSync(join(runtimeDirectory(), `${hex('a')}-there`))
    leave(hex('b'), fifo(`${hex('b')}-there`))
    create(`${hex('b')}-there`)
    sweep()
    expect(readdirSync(runtimeDirectory()).sort()).toEqual([`${hex('a')}-there`, `${hex('a')}.record`])
  })
})

describe('a record of System V queues', () => {
  const system = native()
  const url = new URL('sysv-mq:records')
  const line = (name: string) => `${JSON.stringify({ kind: 'sysv-mq', name })}\n`
  const hexKey = (key: number) => `0x${key.toString(16).padStart(8, '0')}`
  const KEY = ((process.pid << 8) | 0x51) & 0x7fffffff
  const createQueue = (mode = 0o600) => {
    const id = system.msgGet(KEY, system.IPC_CREAT | system.IPC_EXCL, mode)
    expect(id).toBeGreaterThanOrEqual(0)
    return id
  }
  const isThere = () => system.msgGet(KEY, 0, 0) >= 0
  afterEach(() => {
    if (isThere()) system.msgRemove(system.msgGet(KEY, 0, 0))
  })

  it('names them by their keys, and takes them away when nobody holds it', () => {
    createQueue()
    leave(hex('a'), line(hexKey(KEY)))
    expect(findRecords({ remove: false })).toMatchObject([
      { alive: false, objects: [{ kind: 'sysv-mq', name: hexKey(KEY) }] },
    ])
    expect(isThere()).toBe(true)
    sweep()
    expect(isThere()).toBe(false)
    expect(readdirSync(home)).toEqual([])
  })

  it('may name one that was never made, or is gone', () => {
    leave(hex('a'), line(hexKey(KEY)))
    sweep()
    expect(readdirSync(home)).toEqual([])
  })

  it.skipIf(!root)('removes no queue of another user who has the same key (needs root)', () => {
    const program = `require(process.argv[1]).msgGet(${KEY}, ${system.IPC_CREAT}, 0o666)`
    const addon = createRequire(import.meta.resolve('@strait/posix')).resolve(
      '../build/Release/strait_posix.node',
    )
    const as = { uid: NOBODY, gid: NOBODY }
    expect(spawnSync(process.execPath, ['-e', program, addon], as).status).toBe(0)
    expect(isThere()).toBe(true)
    leave(hex('a'), line(hexKey(KEY)))
    sweep()
    expect(isThere()).toBe(true)
    expect(readdirSync(home)).toEqual([])
  })

  it('that names what is no key of ours removes nothing', () => {
    const id = createQueue()
    const names = ['0x00000000', hexKey(KEY).slice(2), String(KEY), '0x80000001', `${hexKey(KEY)}0`, '', '0x']
    leave(hex('a'), names.map(line).join('') + line(KEY as unknown as string))
    sweep()
    expect(system.msgGet(KEY, 0, 0)).toBe(id)
    expect(readdirSync(home)).toEqual([])
  })

  it('is held until both who share it have let go, whoever is first, and only then is one the last', () => {
    for (const firstIsMaker of [true, false]) {
      const made = HeldRecord.create('listen')
      made.add({ kind: 'sysv-mq', name: hexKey(KEY) })
      createQueue()
      made.share()
      const adopted = HeldRecord.adopt(made.descriptor, made.name, { owner: process.geteuid!(), url })
      const [first, last] = firstIsMaker ? [made, adopted] : [adopted, made]
      sweep()
      expect(isThere()).toBe(true)
      expect([first.isLast(), last.isLast()]).toEqual([false, false])
      first.leave()
      sweep()
      expect(isThere()).toBe(true)
      expect(last.isLast()).toBe(true)
      system.msgRemove(system.msgGet(KEY, 0, 0))
      last.release()
      expect(readdirSync(home)).toEqual([])
    }
  })

  it('tells the one that waits when it is the last, without keeping the process alive', async () => {
    const made = HeldRecord.create('listen')
    made.share()
    const adopted = HeldRecord.adopt(made.descriptor, made.name, { owner: process.geteuid!(), url })
    let told = false
    const last = new Promise<void>((resolve) =>
      made.whenLast(() => {
        told = true
        resolve()
      }),
    )
    await turns(10)
    expect(told).toBe(false)
    adopted.leave()
    await last
    made.release()
    expect(readdirSync(home)).toEqual([])
  })

  it('cannot be adopted when nobody holds it, nor from another user, nor by a name that leads elsewhere', () => {
    const record = HeldRecord.create('listen')
    const owner = process.geteuid!()
    // Nobody shares it: as somebody who sweeps has it.
    expect(() => HeldRecord.adopt(record.descriptor, record.name, { owner, url })).toThrow(failure('RESET'))
    record.share()
    for (const name of ['', '../x', `${record.name}/`, record.name.toUpperCase().replace(/\d/g, 'A')])
      expect(() => HeldRecord.adopt(record.descriptor, name, { owner, url })).toThrow(failure('CORRUPT'))
    expect(() => HeldRecord.adopt(record.descriptor, record.name, { owner: owner + 1, url })).toThrow(
      failure('CORRUPT'),
    )
    const event = system.eventfd(false)
    expect(() => HeldRecord.adopt(event, record.name, { owner, url })).toThrow(failure('CORRUPT'))
    system.close(event)
    record.release()
  })

  it('that is another file than the one of its name is let go of, and removes neither', () => {
    const [record, other] = [HeldRecord.create('listen'), HeldRecord.create('listen')]
    other.share()
    const adopted = HeldRecord.adopt(other.descriptor, record.name, { owner: process.geteuid!(), url })
    adopted.release()
    expect(readdirSync(record.directory)).toHaveLength(2)
    record.release()
    other.release()
  })
})

describe('many at once', () => {
  it('create, sweep and go away without losing or leaving anything', async () => {
    const children = Array.from({ length: 20 }, () => start(CREATOR, ['churn', '60']))
    const said = await Promise.all(children.map((child) => child.line()))
    expect(said).toEqual(children.map(() => 'done'))
    await Promise.all(children.map((child) => child.exit))
    expect(readdirSync(home)).toEqual([])
  })

  it('sweep what many killed processes left, and each thing is removed once', async () => {
    const dead = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const child = start(CREATOR, ['hold'])
        await child.line()
        return child
      }),
    )
    await Promise.all(dead.map((child) => child.kill()))
    expect(readdirSync(runtimeDirectory())).toHaveLength(15)
    const sweepers = Array.from({ length: 4 }, () => start(CREATOR, ['sweep']))
    expect(await Promise.all(sweepers.map((child) => child.line()))).toEqual(sweepers.map(() => 'done'))
    await Promise.all(sweepers.map((child) => child.exit))
    expect(readdirSync(home)).toEqual([])
  })
})
