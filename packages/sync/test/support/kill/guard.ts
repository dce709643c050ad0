/** So long nothing takes that does not hang, ms: not an expectation, even of a machine that has a lot to do. */
const HANGS = 30_000

/** The promise, or after a long time an error that names what hangs. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it hangs: ${what}`)), HANGS)
  })
  try {
    return await Promise.race([promise, hung])
  } finally {
    clearTimeout(timer)
  }
}

/** Until it is so; for what is seen in memory or in /proc, and nothing announces. */
export function until(what: string, isSo: () => boolean): Promise<void> {
  let over = false
  const looking = async () => {
    while (!over && !isSo()) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return within(what, looking()).finally(() => {
    over = true
  })
}
