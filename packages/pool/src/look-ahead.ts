/**
 * The results of items, of which at most `limit` have been started and not read.
 *
 * - Order: that of the items, or that in which they are done.
 * - Ownership: `stop` is called when nothing more is read, because an item failed or the reader has left.
 */
export async function* lookAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  start: (item: T) => Promise<R>,
  { limit, ordered, stop }: { limit: number; ordered: boolean; stop: () => void },
): AsyncGenerator<R, void, undefined> {
  const results: Promise<R>[] = []
  let unread = 0
  let ended = false
  let wakeReader = () => {}
  let wakeSource = () => {}
  const arrived = (result: Promise<R>) => {
    results.push(result)
    wakeReader()
  }

  async function readItems(): Promise<void> {
    try {
      for await (const item of items) {
        while (unread >= limit && !ended) await new Promise<void>((resolve) => (wakeSource = resolve))
        if (ended) return
        unread++
        const result = start(item)
        if (ordered) {
          result.catch(() => {})
          arrived(result)
        } else {
          const settled = () => arrived(result)
          result.then(settled, settled)
        }
      }
    } catch (error) {
      unread++
      const failed = Promise.reject(error)
      failed.catch(() => {})
      arrived(failed)
    } finally {
      ended = true
      wakeReader()
    }
  }

  void readItems()
  try {
    for (;;) {
      while (results.length === 0) {
        if (ended && unread === 0) return
        await new Promise<void>((resolve) => (wakeReader = resolve))
      }
      const value = await results.shift()!
      unread--
      wakeSource()
      yield value
    }
  } finally {
    ended = true
    wakeSource()
    stop()
  }
}
