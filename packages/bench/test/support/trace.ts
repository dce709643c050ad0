/** How often an end has called what. `write` and `read` of an eventfd(2), which wakes a thread, are not among them. */
export type Calls = Readonly<Record<string, number>>

const CALL = /^(\d+) +(\w+)\((?:\d+<([^>]*)>)?/

/** The calls of the thread that has made an end's marks, between these, in what `strace -f -y` has written. */
export function callsBetweenMarks(trace: string, end: 'asker' | 'peer'): Calls {
  const lines = trace.split('\n')
  const [begin, last] = ['begin', 'end'].map((what) =>
    lines.findIndex((line) => line.includes(`"/strait-mark/${end}/${what}"`)),
  ) as [number, number]
  if (begin < 0 || last < begin) throw new Error(`the ${end} has made no marks`)
  const thread = CALL.exec(lines[begin]!)?.[1]
  const calls: Record<string, number> = {}
  for (const line of lines.slice(begin + 1, last)) {
    const [, caller, name = '', descriptor = ''] = CALL.exec(line) ?? []
    if (caller !== thread || descriptor === 'anon_inode:[eventfd]') continue
    calls[name] = (calls[name] ?? 0) + 1
  }
  return calls
}
