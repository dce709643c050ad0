import { readdirSync, readFileSync } from 'node:fs'
import { NamedSemaphore, SysvSemaphore } from '../../src/index.js'

let count = 0
const names: string[] = []
const keys: number[] = []

/** A name that nobody uses. */
export function freshSemaphore(): string {
  const name = `/strait-test-${process.pid}-${count++}`
  names.push(name)
  return name
}

/** A key that nobody uses. */
export function freshSemaphoreKey(): number {
  const key = ((process.pid << 8) + count++) & 0x7fffffff || 1
  keys.push(key)
  return key
}

/** Removes what tests have left of those. */
export function unlinkSemaphores(): void {
  for (const name of names.splice(0)) NamedSemaphore.unlink(name)
  for (const key of keys.splice(0)) SysvSemaphore.unlink(key)
}

/** How many threads this process has. */
export const threads = (): number => readdirSync('/proc/self/task').length

/** What is mapped of shared memory. */
export const mappings = (): string[] =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => /\/dev\/shm\/|\/memfd:strait/.test(line))
