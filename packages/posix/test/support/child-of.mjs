// A parent that starts a child, from a thread of its own if it is told so. It says the child's pid once that spins.
import { spawn } from 'node:child_process'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

const CHILD = `import('@strait/posix').then(({ endWithParent }) => {
  endWithParent()
  process.stdout.write('spins', () => { for (;;); })
})`

if (isMainThread && process.argv[2] === 'thread') {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
  worker.once('message', (pid) => console.log(pid))
  process.stdin.once('data', () => worker.terminate())
} else {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD], {
    cwd: new URL('.', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.once('data', () => {
    if (isMainThread) console.log(child.pid)
    else parentPort.postMessage(child.pid)
  })
}
