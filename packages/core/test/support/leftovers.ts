import { readdirSync, readlinkSync } from 'node:fs'

/** What this process's descriptors are, by kind and number, without what is only looking. */
export function descriptors(): string[] {
  const found: string[] = []
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      if (!target.startsWith('/proc/')) found.push(`${fd} ${target}`)
    } catch {
      // It was the one that read the directory.
    }
  }
  return found.sort()
}

/** Waits for the event loop to say the same for ever: closing a handle takes a turn. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
