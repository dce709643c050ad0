import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import { descriptors, turns } from '../../../core/test/support/leftovers.js'

let count = 0

/** An address that nobody uses. */
export const fresh = (): URL => new URL(`mq:test-${process.pid}-${count++}`)

const given = process.env.XDG_RUNTIME_DIR
let before: string[]

/** Where records lie during a test. */
export let home: string

/** What descriptors this process has more than before the test. */
export const opened = (): string[] =>
  descriptors()
    .filter((each) => !before.includes(each))
    .map((each) => each.slice(each.indexOf(' ') + 1))

/** Around every test: records in a directory of its own, and no descriptor more than before. */
export function nothingIsLeft(): void {
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'strait-mq-'))
    process.env.XDG_RUNTIME_DIR = home
    before = descriptors()
  })
  afterEach(async () => {
    if (given === undefined) delete process.env.XDG_RUNTIME_DIR
    else process.env.XDG_RUNTIME_DIR = given
    rmSync(home, { recursive: true })
    await turns(10)
    expect(opened()).toEqual([])
  })
}
