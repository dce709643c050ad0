/**
 * Aborted by Ctrl-C, SIGTERM, or when nobody reads stdout any more: the command then ends cleanly. A second Ctrl-C ends
 * it the hard way.
 */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  const interrupt = () => controller.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  process.stdout.once('error', interrupt)
  return controller.signal
}

/** Runs a command to its end or to its interruption, which is no failure. */
export async function interruptible(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const signal = untilInterrupted()
  try {
    await run(signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
