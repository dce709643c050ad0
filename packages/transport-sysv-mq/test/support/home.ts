import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRecords } from '@strait/rendezvous'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { descriptors } from '../../../core/test/support/leftovers.js'

let count = 0

/** An address that nobody uses. */
export const fresh = (): URL => new URL(`sysv-mq:test-${process.pid}-${count++}`)

const given = process.env.XDG_RUNTIME_DIR
let before: string[]

/** Where records lie during a test. */
export let home: string

/** The keys that records of this test name, as /proc shows them. */
export const recorded = (): number[] =>
  findRecords({ remove: false }).flatMap(({ objects }) => objects.map(({ name }) => Number(name)))

export interface Queue {
  readonly key: number
  readonly id: number
  readonly messages: number
}

/** All queues of the system, or those with these keys. */
export function queues(keys?: readonly number[]): Queue[] {
  const [, ...lines] = readFileSync('/proc/sysvipc/msg', 'utf8').trimEnd().split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([key = 0, id = 0, , , messages = 0]) => ({ key, id, messages }))
    .filter(({ key }) => keys === undefined || keys.includes(key))
}

/** Around every test: records in a directory of its own, and no descriptor more than before. */
export function nothingIsLeft(): void {
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'strait-sysv-mq-'))
    process.env.XDG_RUNTIME_DIR = home
    before = descriptors()
  })
  afterEach(async () => {
    if (given === undefined) delete process.env.XDG_RUNTIME_DIR
    else process.env.XDG_RUNTIME_DIR = given
    rmSync(home, { recursive: true })
    // An end that was closed first watches over what it has left until the other one is closed.
    await vi.waitFor(() => expect(descriptors()).toEqual(before), { interval: 5, timeout: 10_000 })
  })
}
