import { SharedMemory } from '@strait/posix'
import { Barrier, Mutex, Region } from '@strait/sync'
import { allEnd, start } from './crew.js'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))

const FIRST = 10
const JOBS = 10

// A table that grows: how many rows it has, and then the rows.
const ROW = 3
const SIZE = (1 + JOBS * ROW) * 8
const tableIn = (memory: SharedMemory) => memory.view(Float64Array)
const locksIn = (region: Region) => ({
  present: new Barrier(JOBS, { region, name: 'present' }),
  mutex: new Mutex({ region, name: 'table' }),
})

/** fib(10) to fib(19) in ten processes, which find the table and its lock by a name. */
export async function fibs() {
  const name = `example-${process.pid}`
  using _region = Region.create(name) // the name goes with the last that has it open
  using memory = SharedMemory.create(name, SIZE)
  try {
    await allEnd(
      Array.from({ length: JOBS }, (_, index) => start('computing', [name, String(FIRST + index)])),
    )
  } finally {
    memory.unlink()
  }
  const table = tableIn(memory)
  const rows = Array.from({ length: table[0]! }, (_, row) => {
    const [n, value, pid] = table.slice(1 + row * ROW)
    return { n: n!, value: value!, pid: pid! }
  })
  return { rows: rows.sort((a, b) => a.n - b.n) }
}

/** In each of the processes. */
export async function computing(name = '', n = ''): Promise<void> {
  using region = Region.open(name)
  using memory = SharedMemory.open(name)
  const { present, mutex } = locksIn(region)
  const table = tableIn(memory)
  await present.wait() // all ten are there
  const value = fib(Number(n))
  using _guard = await mutex.lock()
  const rows = table[0]!
  table.set([Number(n), value, process.pid], 1 + rows * ROW)
  table[0] = rows + 1
}

export function tellFibs({ rows }: Awaited<ReturnType<typeof fibs>>): string[] {
  return rows.map(({ n, value, pid }) => `process ${pid}: fib(${n}) = ${value}`)
}
