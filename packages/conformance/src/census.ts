import { readdirSync, readlinkSync } from 'node:fs'

/** What this process holds in the kernel, and what lies in the directory of the test. */
export interface Census {
  readonly descriptors: string[]
  readonly threads: number
  readonly files: string[]
}

/** Descriptors that are sockets, pipes or other objects of communication; files that Node reads come and go. */
const COMMUNICATION = /^(?:socket|pipe|\/memfd|anon_inode:\[(?:eventfd|signalfd|timerfd)\])/

export function census(directory?: string): Census {
  const descriptors: string[] = []
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`)
      if (COMMUNICATION.test(target)) descriptors.push(target)
    } catch {
      // The descriptor of the directory being read.
    }
  }
  return {
    descriptors: descriptors.sort(),
    threads: readdirSync('/proc/self/task').length,
    files: directory === undefined ? [] : readdirSync(directory).sort(),
  }
}

/** What is there now and was not before, in words; empty when nothing is. */
export function leftovers(before: Census, now: Census): string[] {
  const known = new Set(before.descriptors)
  const left = now.descriptors.filter((target) => !known.has(target))
  const threads = now.threads - before.threads
  const files = now.files.filter((name) => !before.files.includes(name))
  return [
    ...left.map((target) => `descriptor ${target}`),
    ...(threads > 0 ? [`${threads} threads`] : []),
    ...files.map((name) => `file ${name}`),
  ]
}

/**
 * What is left once the event loop has closed what was released: descriptors are closed some turns later, what leaks
 * stays. Looks again for up to `patience` ms.
 */
export async function settledLeftovers(
  before: Census,
  count: () => Census,
  patience = 5_000,
): Promise<string[]> {
  const deadline = Date.now() + patience
  for (;;) {
    const left = leftovers(before, count())
    if (left.length === 0 || Date.now() > deadline) return left
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
