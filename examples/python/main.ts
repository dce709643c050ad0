import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Channel, json, listen, typed } from 'strait'

const directory = mkdtempSync(join(tmpdir(), 'strait-example-'))
const key = randomBytes(32).toString('hex')
const listener = await listen(process.argv[2] ?? `unix:${directory}/jobs.sock`, { key })

// Every user of the machine can read a command line, so the key goes by stdin. (-B: no __pycache__ stays behind.)
const program = fileURLToPath(new URL('../../python/worker.py', import.meta.url))
const workers = Array.from({ length: 4 }, () => {
  const worker = spawn('python3', ['-B', program, listener.url.href], {
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  worker.stdin.on('error', () => {})
  worker.stdin.end(key)
  return worker
})
const exits = workers.map((worker) => once(worker, 'exit'))
const endedEarly = Promise.race(exits).then(() => Promise.reject(new Error('a worker ended early')))
endedEarly.catch(() => {})

try {
  const channels = await Promise.race([Promise.all(workers.map(() => listener.accept())), endedEarly])
  const jobs = Array.from({ length: 10 }, (_, index) => 10 + index)
  const results = new Map<number, number>()

  // Whoever is done takes the next job.
  const serve = async (channel: Channel) => {
    const worker = typed<number>(channel, json)
    for (let n = jobs.shift(); n !== undefined; n = jobs.shift()) {
      await worker.send(n)
      results.set(n, (await worker.receive())!)
    }
    await worker.close()
  }
  await Promise.all(channels.map((channel) => serve(channel!)))

  for (let n = 10; n < 20; n++) console.log(`fib(${n}) = ${results.get(n)}`)
  const codes = (await Promise.all(exits)).map(([code]) => code)
  console.log(`the workers ended with ${codes.join(' ')}`)
} finally {
  for (const worker of workers) worker.kill()
  await listener.close()
  rmSync(directory, { recursive: true })
}
