import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EventFd, PidFd, SharedMemory } from '@strait/posix'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))

// The table that several processes have in common: a number of the next job, and a result for each job.
const FIRST = 20
const JOBS = 10
const SIZE = 8 + JOBS * 8
const table = (memory: SharedMemory) => ({
  next: memory.view(Int32Array, 0, 1),
  results: memory.view(Float64Array, 8, JOBS),
})

if (process.argv[2] === 'worker') work()
else await main()

async function main(): Promise<void> {
  // Nobody who has the descriptor can take the memory away from under us: it is sealed.
  using memory = SharedMemory.anonymous(SIZE, { seals: ['shrink', 'grow'] })
  using done = EventFd.create(0n, { semaphore: true })
  const program = fileURLToPath(import.meta.url)
  const workers = Array.from({ length: 3 }, () =>
    spawn(process.execPath, [program, 'worker'], {
      stdio: ['inherit', 'inherit', 'inherit', memory.descriptor, done.descriptor],
    }),
  )
  const ends = workers.map((worker) => PidFd.open(worker.pid!))

  // Memory wakes nobody: the counter says that something has changed.
  const { next, results } = table(memory)
  for (let job = 0; job < JOBS; job++) await done.wait()
  console.log(`fib: ${results.join(' ')}`)
  for (const end of ends) {
    await end.wait()
    end.close()
  }
  console.log(`each job was taken once, and ${Atomics.load(next, 0) - JOBS} found nothing to do`)

  // With a name, it is there for every program, and until somebody removes the name.
  using named = SharedMemory.create(`example-${process.pid}`, 4096)
  named.write(0, new TextEncoder().encode('for whoever opens it'))
  console.log(`a second one: ${reason(() => SharedMemory.create(named.name!, 4096))}`)
  const opened = SharedMemory.open(named.name!)
  console.log(`opened: ${new TextDecoder().decode(opened.read(0, 20))}`)
  const { bytes } = opened
  opened.close()
  console.log(`closed: a view of it has ${bytes.length} bytes`)
  console.log(`unlinked: ${named.unlink()}, and again: ${named.unlink()}`)
}

/** Takes the next job that nobody has, until there is none. */
function work(): void {
  using memory = SharedMemory.fromDescriptor(3, { size: SIZE, seals: ['shrink'] })
  using done = EventFd.fromDescriptor(4)
  const { next, results } = table(memory)
  for (let job = Atomics.add(next, 0, 1); job < JOBS; job = Atomics.add(next, 0, 1)) {
    results[job] = fib(FIRST + job)
    done.signalSync()
  }
}

function reason(action: () => void): string {
  try {
    action()
    return 'it was made'
  } catch (error) {
    return (error as Error & { reason: string }).reason
  }
}
