// A lane that is asked line by line, as benchmarks/peers/pool-python.py is: its kind, its mode, and how many workers.
import { createInterface } from 'node:readline'
import type { About } from './lane-process.js'
import { kinds } from './lanes.js'

const [kind, mode, workers] = process.argv.slice(2) as [keyof typeof kinds, string, string]

try {
  const lane = await kinds[kind](mode)(Number(workers))
  const about: About = {
    name: lane.name,
    mode: lane.mode,
    also: (['batch', 'fib', 'echo'] as const).filter((what) => lane[what] !== undefined),
  }
  console.log(['ready', process.pid, ...lane.pids].join(' '))
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, ...numbers] = line.split(' ')
    const [first, second] = numbers.map(Number) as [number, number]
    if (what === 'about') {
      console.log(JSON.stringify(about))
    } else if (what === 'one') {
      const { p50, p99 } = await lane.one(first)
      console.log(`${p50} ${p99}`)
    } else {
      console.log(await lane[what as 'batch' | 'fib' | 'echo']!(first, second))
    }
  }
  await lane.close()
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
