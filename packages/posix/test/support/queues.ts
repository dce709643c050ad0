import { MessageQueue } from '../../src/index.js'

let count = 0
const used: string[] = []

/** A name that nobody uses. */
export function freshQueue(): string {
  const name = `/strait-test-${process.pid}-${count++}`
  used.push(name)
  return name
}

/** Removes what tests have left of those names. */
export function unlinkQueues(): void {
  for (const name of used.splice(0)) MessageQueue.unlink(name)
}
