import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Child, start } from '../../core/test/support/child.js'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { unix } from '../src/index.js'

const PROGRAM = new URL('./support/listen.mjs', import.meta.url)
const NOBODY = 65534
const root = process.getuid?.() === 0

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

let directory: string
let children: Child[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-claim-'))
  children = []
})
afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()))
  rmSync(directory, { recursive: true, force: true })
})

const at = (name: string) => new URL(`unix:${directory}/${name}`)

async function child(): Promise<Child> {
  const started = start(PROGRAM)
  children.push(started)
  expect(await started.line()).toBe('ready')
  return started
}

async function ask(child: Child, line: string): Promise<string> {
  child.say(line)
  return child.line()
}

/** Leaves a socket on which nobody listens, as a killed listener does. */
async function leaveDead(name: string): Promise<void> {
  const alive = join(directory, `${name}-alive`)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(alive, resolve))
  linkSync(alive, join(directory, name))
  await new Promise((resolve) => server.close(resolve))
}

describe('C10 claiming a name', () => {
  it('in use is ADDRESS_IN_USE, in this process and in another', async () => {
    const listener = await unix.listen(at('a'))
    await expect(unix.listen(at('a'))).rejects.toEqual(code('ADDRESS_IN_USE'))
    expect(await ask(await child(), `listen ${at('a')}`)).toBe('ERR_STRAIT_ADDRESS_IN_USE')
    const channel = await unix.connect(at('a'))
    await listener.close()
    channel.abort()
  })

  it('nobody there is REFUSED, whether the file is or not', async () => {
    await expect(unix.connect(at('none'))).rejects.toEqual(code('REFUSED'))
    await leaveDead('dead')
    await expect(unix.connect(at('dead'))).rejects.toEqual(code('REFUSED'))
  })

  it('a directory that does not exist is ADDRESS_INVALID, so is a file in place of one', async () => {
    await expect(unix.listen(at('no/x'))).rejects.toEqual(code('ADDRESS_INVALID'))
    writeFileSync(join(directory, 'file'), '')
    await expect(unix.listen(at('file/x'))).rejects.toEqual(code('ADDRESS_INVALID'))
    await expect(unix.connect(at('file/x'))).rejects.toEqual(code('ADDRESS_INVALID'))
  })

  it('a regular file is refused and left alone', async () => {
    writeFileSync(join(directory, 'precious'), 'content')
    await expect(unix.listen(at('precious'))).rejects.toEqual(code('ADDRESS_IN_USE'))
    await expect(unix.connect(at('precious'))).rejects.toEqual(code('ADDRESS_INVALID'))
    expect(readFileSync(join(directory, 'precious'), 'utf8')).toBe('content')
    expect(readdirSync(directory)).toEqual(['precious'])
  })

  it('so is a directory', async () => {
    mkdirSync(join(directory, 'd'))
    await expect(unix.listen(at('d'))).rejects.toEqual(code('ADDRESS_IN_USE'))
    expect(readdirSync(directory)).toEqual(['d'])
  })

  it('an aborted signal leaves nothing behind', async () => {
    await expect(unix.listen(at('a'), { signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    const controller = new AbortController()
    const listening = unix.listen(at('a'), { signal: controller.signal })
    controller.abort()
    await expect(listening).rejects.toEqual(code('ABORTED'))
    await turns()
    expect(readdirSync(directory)).toEqual([])
  })

  it('works in a directory whose path is far longer than a socket’s may be, when the name fits', async () => {
    const home = process.cwd()
    const deep = join(directory, 'd'.repeat(90 - directory.length))
    mkdirSync(deep)
    const url = new URL(`unix:${join(deep, 'x'.repeat(107 - deep.length - 1))}`)
    expect(decodeURIComponent(url.pathname)).toHaveLength(107)
    const listener = await unix.listen(url)
    const channel = await unix.connect(url)
    await expect(unix.listen(url)).rejects.toEqual(code('ADDRESS_IN_USE'))
    channel.abort()
    await listener.close()
    expect(readdirSync(deep)).toEqual([])
    expect(process.cwd()).toBe(home)
  })
})

describe('C13 symbolic links', () => {
  it('at the end are never followed, by listen or connect', async () => {
    const listener = await unix.listen(at('real'))
    symlinkSync(join(directory, 'real'), join(directory, 'link'))
    symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'))
    await expect(unix.connect(at('link'))).rejects.toEqual(code('PERMISSION'))
    for (const name of ['link', 'dangling']) {
      await expect(unix.listen(at(name))).rejects.toEqual(code('PERMISSION'))
      expect(lstatSync(join(directory, name)).isSymbolicLink()).toBe(true)
    }
    expect(existsSync(join(directory, 'nowhere'))).toBe(false)
    await listener.close()
  })
})

describe('C11 what a killed listener left', () => {
  it('is taken over by the next one', async () => {
    const killed = await child()
    expect(await ask(killed, `listen ${at('a')}`)).toBe('ok')
    await killed.kill()
    expect(readdirSync(directory)).toEqual(['a'])
    const listener = await unix.listen(at('a'))
    const channel = await unix.connect(at('a'))
    expect(readdirSync(directory)).toEqual(['a'])
    channel.abort()
    await listener.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('goes to exactly one of those who race for it in one process', async () => {
    for (let round = 0; round < 10; round++) {
      await leaveDead(`r${round}`)
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => unix.listen(at(`r${round}`))))
      const winners = results.filter((result) => result.status === 'fulfilled')
      expect(winners).toHaveLength(1)
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toEqual(code('ADDRESS_IN_USE'))
      const channel = await unix.connect(at(`r${round}`))
      channel.abort()
      await winners[0]!.value.close()
      expect(readdirSync(directory)).toEqual([])
    }
  })

  it('goes to exactly one of those who race for it in many processes', async () => {
    const racers = await Promise.all(Array.from({ length: 10 }, child))
    for (let round = 0; round < 10; round++) {
      await leaveDead(`r${round}`)
      const results = await Promise.all(racers.map((racer) => ask(racer, `listen ${at(`r${round}`)}`)))
      expect(results.sort()).toEqual([...Array.from({ length: 9 }, () => 'ERR_STRAIT_ADDRESS_IN_USE'), 'ok'])
      const channel = await unix.connect(at(`r${round}`))
      await channel.close()
    }
    expect(readdirSync(directory)).toHaveLength(10)
  })

  it('a racer that is killed half-way stops nobody', async () => {
    for (let round = 0; round < 3; round++) {
      await leaveDead(`k${round}`)
      const [doomed, heir] = await Promise.all([child(), child()])
      doomed.say(`listen ${at(`k${round}`)}`)
      const taking = ask(heir, `listen ${at(`k${round}`)}`)
      await doomed.kill()
      const taken = await taking
      if (taken !== 'ok') expect(await ask(heir, `listen ${at(`k${round}`)}`)).toBe('ok')
      await heir.kill()
    }
  })

  it('half-made claims that are old are swept, young and strange ones left', async () => {
    const make = (name: string, file?: string) => {
      mkdirSync(join(directory, name))
      if (file !== undefined) writeFileSync(join(directory, name, file), '')
    }
    make('.strait-old', 'socket')
    make('.strait-dead', 'dead')
    make('.strait-empty')
    make('.strait-young', 'socket')
    make('.strait-strange', 'diary')
    make('other', 'socket')
    writeFileSync(join(directory, '.strait-file'), '')
    symlinkSync(join(directory, 'other'), join(directory, '.strait-link'))
    const old = new Date(Date.now() - 3_600_000)
    for (const name of ['old', 'dead', 'empty', 'strange', 'file'])
      utimesSync(join(directory, `.strait-${name}`), old, old)
    utimesSync(join(directory, 'other'), old, old)
    const listener = await unix.listen(at('a'))
    await listener.close()
    expect(readdirSync(directory).sort()).toEqual(
      ['.strait-file', '.strait-link', '.strait-strange', '.strait-young', 'other'].sort(),
    )
    expect(existsSync(join(directory, 'other', 'socket'))).toBe(true)
    expect(existsSync(join(directory, '.strait-strange', 'diary'))).toBe(true)
  })
})

describe('C11 nothing left', () => {
  it('close gives the name back, with every descriptor', async () => {
    const first = await unix.listen(at('warm'))
    await first.close()
    await turns()
    const before = descriptors()
    for (let round = 0; round < 5; round++) {
      const listener = await unix.listen(at('a'))
      expect(readdirSync(directory)).toEqual(['a'])
      const [here, there] = await Promise.all([unix.connect(at('a')), listener.accept()])
      await Promise.all([here.close(), there!.close(), listener.close(), listener.close()])
      expect(readdirSync(directory)).toEqual([])
    }
    await turns()
    expect(descriptors()).toEqual(before)
  })

  it('refused claims and connects leave none either', async () => {
    const listener = await unix.listen(at('a'))
    writeFileSync(join(directory, 'file'), '')
    await turns()
    const before = descriptors()
    for (let round = 0; round < 5; round++) {
      for (const name of ['a', 'file', 'no/x']) await unix.listen(at(name)).catch(() => {})
      for (const name of ['none', 'file', 'no/x']) await unix.connect(at(name)).catch(() => {})
    }
    await turns()
    expect(descriptors()).toEqual(before)
    expect(readdirSync(directory).sort()).toEqual(['a', 'file'])
    await listener.close()
  })

  it('close leaves what somebody has put in our place', async () => {
    const listener = await unix.listen(at('a'))
    unlinkSync(join(directory, 'a'))
    const theirs = await unix.listen(at('a'))
    await listener.close()
    const channel = await unix.connect(at('a'))
    channel.abort()
    await theirs.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('close finds its name gone and does not mind', async () => {
    const listener = await unix.listen(at('a'))
    unlinkSync(join(directory, 'a'))
    await listener.close()
  })
})

describe('C13 the mode', () => {
  const mode = (name: string) => lstatSync(join(directory, name)).mode & 0o777

  it('is 0600, or what the option says, whatever the umask', async () => {
    const before = process.umask()
    try {
      for (const mask of [0, 0o022, 0o077]) {
        process.umask(mask)
        const narrow = await unix.listen(at('narrow'))
        const wide = await unix.listen(at('wide'), { mode: 0o666 })
        expect([mode('narrow'), mode('wide')]).toEqual([0o600, 0o666])
        await Promise.all([narrow.close(), wide.close()])
      }
    } finally {
      process.umask(before)
    }
  })
})

describe.skipIf(!root)('C13 another user (needs root, to become one)', () => {
  beforeEach(() => {
    chownSync(directory, NOBODY, NOBODY)
  })

  async function nobody(): Promise<Child> {
    const other = await child()
    expect(await ask(other, `become ${NOBODY}`)).toBe('ok')
    return other
  }

  it('is refused by the mode, and let in by another mode', async () => {
    const narrow = await unix.listen(at('narrow'))
    const wide = await unix.listen(at('wide'), { mode: 0o666 })
    void wide.accept().then((channel) => channel?.close())
    const other = await nobody()
    expect(await ask(other, `connect ${at('narrow')}`)).toBe('ERR_STRAIT_PERMISSION')
    expect(await ask(other, `connect ${at('wide')}`)).toBe('ok')
    await Promise.all([narrow.close(), wide.close()])
  })

  it('who listens under a name is not trusted, unless named as owner', async () => {
    const other = await nobody()
    expect(await ask(other, `listen ${at('theirs')} ${0o666}`)).toBe('ok')
    await expect(unix.connect(at('theirs'))).rejects.toEqual(code('PERMISSION'))
    await expect(unix.connect(at('theirs'), { owner: NOBODY - 1 })).rejects.toEqual(code('PERMISSION'))
    const channel = await unix.connect(at('theirs'), { owner: NOBODY })
    channel.abort()
  })

  it('whose dead socket it is keeps it', async () => {
    const other = await nobody()
    expect(await ask(other, `listen ${at('theirs')}`)).toBe('ok')
    await other.kill()
    await expect(unix.listen(at('theirs'))).rejects.toEqual(code('PERMISSION'))
    expect(readdirSync(directory)).toEqual(['theirs'])
  })

  it('may not listen where it may not write', async () => {
    chownSync(directory, 0, 0)
    const other = await nobody()
    expect(await ask(other, `listen ${at('a')}`)).toBe('ERR_STRAIT_PERMISSION')
  })
})
