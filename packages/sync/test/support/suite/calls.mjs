import { native } from '@strait/posix'

/**
 * From now on counts how often this thread calls the addon for its locks: in one word the calls that begin to wait, in the
 * next all others. That a thread that blocks comes back to JavaScript now and then counts as neither. Returns what ends it.
 */
export function countCalls(words, word) {
  const addon = native()
  const calls = Object.entries(addon).filter(([name]) => /^sync(?!Block$)/.test(name))
  for (const [name, call] of calls) {
    const counter = name.startsWith('syncWait') ? word : word + 1
    addon[name] = (...args) => {
      Atomics.add(words, counter, 1)
      return call(...args)
    }
  }
  return () => Object.assign(addon, Object.fromEntries(calls))
}
