import { closeSync, existsSync, mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { census, leftBy, leftovers } from '../src/census.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-suite-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** What is left of what was done. */
function leftOf(action: () => void): string[] {
  const before = census(directory)
  action()
  return leftovers(before, census(directory))
}

describe('the census', () => {
  it('finds nothing where nothing is left', () => {
    expect(leftOf(() => closeSync(openSync(join(directory, '..'), 'r')))).toEqual([])
  })

  it('finds a descriptor whose object has lost its name, each as often as it is open', () => {
    const path = join(directory, 'fifo')
    writeFileSync(path, '')
    const first = openSync(path, 'r')
    const descriptors = [first, openSync(path, 'r')]
    unlinkSync(path)
    expect(leftOf(() => {})).toEqual([])
    const before = census(directory)
    closeSync(descriptors.pop()!)
    expect(leftovers(census(directory), before)).toEqual([`descriptor ${path} (deleted)`])
    closeSync(first)
  })

  it('finds a record that is held', () => {
    const path = join(directory, '0123.record')
    let descriptor = 0
    const left = leftOf(() => {
      descriptor = openSync(path, 'w')
    })
    closeSync(descriptor)
    expect(left).toEqual([`descriptor ${path}`, 'file 0123.record'])
  })

  it.runIf(existsSync('/dev/shm'))('finds shared memory of this test, and not that of another', () => {
    const ours = `/dev/shm/${basename(directory)}-memory`
    const theirs = '/dev/shm/strait-census-other'
    const left = leftOf(() => {
      writeFileSync(ours, '')
      writeFileSync(theirs, '')
    })
    unlinkSync(ours)
    unlinkSync(theirs)
    expect(left).toEqual([`shared memory ${basename(ours)}`])
    expect(leftBy(directory)).toEqual([])
  })
})
