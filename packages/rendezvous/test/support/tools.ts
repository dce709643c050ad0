import { spawnSync } from 'node:child_process'

/** Whether a tracer may look at other processes here: containers often forbid it. */
const traces = () => spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

/** Which of these programs cannot be used here; undefined: all can. */
export function missing(...tools: ('prlimit' | 'strace' | 'unshare')[]): string | undefined {
  const works = { prlimit: ['prlimit', '--version'], unshare: ['unshare', '-n', 'true'] } as const
  const lacking = tools.filter((tool) => {
    if (tool === 'strace') return !traces()
    const [program, ...args] = works[tool]
    return spawnSync(program, args).status !== 0
  })
  return lacking.length === 0 ? undefined : lacking.join(', ')
}
