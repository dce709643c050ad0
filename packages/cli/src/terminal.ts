import colors from 'picocolors'

/** Colours for stdout: none in a pipe, with NO_COLOR, or on a terminal without them. */
export const paint = colors.createColors(process.stdout.hasColors?.() ?? false)

/** How wide the output may be, in columns. A pipe has room for everything. */
export const width = (): number => process.stdout.columns ?? Number.POSITIVE_INFINITY

/** How this program is called from where it was called. */
export const self = process.env.npm_lifecycle_event === undefined ? 'strait' : 'npm run -s strait --'

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** For machines: the one thing on stdout. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2))
}

/** For people, beside the output. */
export function complain(text: string): void {
  status('')
  process.stderr.write(`strait: ${text}\n`)
}

/** A line that says what goes on and is overwritten by the next; only on a terminal. Empty: gone. */
export function status(text: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`)
}
