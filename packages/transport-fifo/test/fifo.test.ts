import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { native } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { failure, fresh } from '../../rendezvous/test/support/ends.js'
import { fifo } from '../src/index.js'

const given = process.env.XDG_RUNTIME_DIR
let home: string
let before: string[]
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'strait-fifo-'))
  process.env.XDG_RUNTIME_DIR = home
  before = descriptors()
})
afterEach(async () => {
  if (given === undefined) delete process.env.XDG_RUNTIME_DIR
  else process.env.XDG_RUNTIME_DIR = given
  rmSync(home, { recursive: true })
  await turns(10)
  expect(descriptors().filter((each) => !before.includes(each))).toEqual([])
})

const opened = () =>
  descriptors()
    .filter((each) => !before.includes(each))
    .map((each) => each.slice(each.indexOf(' ') + 1))

describe('fifo:', () => {
  it('C11 channels are FIFOs without a name, and neither a socket nor a record is kept for them', async () => {
    const url = fresh()
    const listener = await fifo.listen(url)
    const connected = await fifo.connect(url)
    const accepted = (await listener.accept())!
    await listener.close()
    await turns()
    const ends = opened()
    expect(ends).toHaveLength(4)
    for (const end of ends) expect(end).toMatch(/^\/.*\/strait\/[0-9a-f]{24}-(there|back) \(deleted\)$/)
    expect(new Set(ends).size).toBe(2)
    expect(readdirSync(home)).toEqual([])
    await Promise.all([connected.close(), accepted.close()])
  })

  it('C11 listen removes what killed processes left', async () => {
    const name = 'a'.repeat(24)
    mkdirSync(join(home, 'strait'), { mode: 0o700 })
    writeFileSync(
      join(home, 'strait', `${name}.record`),
      `${JSON.stringify({ kind: 'fifo', name: `${name}-there` })}\n`,
    )
    native().mkfifo(join(home, 'strait', `${name}-there`), 0o600)
    const listener = await fifo.listen(fresh())
    expect(readdirSync(home)).toEqual([])
    await listener.close()
  })

  it('C13 listen refuses a runtime directory that is not its own, and takes no name', async () => {
    symlinkSync('/tmp', join(home, 'strait'))
    const url = fresh()
    await expect(fifo.listen(url)).rejects.toEqual(failure('PERMISSION', 'is a symbolic link'))
    await expect(fifo.connect(url)).rejects.toEqual(failure('REFUSED', 'nobody is listening'))
    expect(readlinkSync(join(home, 'strait'))).toBe('/tmp')
  })

  it('C10 its names are not those of other schemes', async () => {
    const url = fresh()
    const listener = await fifo.listen(url)
    await expect(fifo.connect(new URL(`${url.href}-`))).rejects.toEqual(failure('REFUSED'))
    await expect(fifo.listen(url)).rejects.toEqual(failure('ADDRESS_IN_USE'))
    await listener.close()
  })
})
