// Ends environments in every state of the objects, and says what is left of them.
//
//   ending.mjs terminate STATE   a worker that is in that state is terminated
//   ending.mjs exit STATE        the process exits while its worker is in that state
//   ending.mjs many              workers end by themselves, with everything open
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { EventFd, PidFd, SharedMemory } from '@strait/posix'

const STATES = {
  waitSync: () => EventFd.create().waitSync(),
  signalSync: () => EventFd.create(2n ** 64n - 2n).signalSync(),
  pidSync: () => PidFd.open(process.pid).waitSync(),
  waiting: () => {
    EventFd.create().wait()
    EventFd.create(2n ** 64n - 2n).signal()
    PidFd.open(process.pid).wait()
  },
  writing: () => {
    const memory = SharedMemory.anonymous(2 ** 20)
    const [bytes, words] = [memory.bytes, memory.view(Int32Array)]
    for (;;) {
      bytes.fill(1)
      Atomics.add(words, 5, 1)
    }
  },
  closing: () => {
    for (;;) {
      const memory = SharedMemory.anonymous(5000)
      memory.bytes[7] = 1
      memory.resize(9000)
      if (Math.random() < 0.9) memory.close()
    }
  },
  open: () => {
    const memory = SharedMemory.anonymous(2 ** 20, { seals: ['shrink'] })
    globalThis.kept = [
      memory,
      memory.bytes,
      memory.view(Float64Array),
      EventFd.create(),
      PidFd.open(process.pid),
    ]
  },
}

function start(state) {
  return new Worker(fileURLToPath(import.meta.url), { workerData: state })
}

/** Descriptors and mappings of ours that this process has. */
function left() {
  const descriptors = readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${descriptor}`)
      return /memfd:strait|pidfd/.test(target)
    } catch {
      return false
    }
  })
  const mappings = readFileSync('/proc/self/maps', 'utf8').match(/memfd:strait/g) ?? []
  return `descriptors ${descriptors.length}, mappings ${mappings.length}`
}

/** Until a thread of this process is in poll(2), where a blocked one spends its time. */
async function blocked() {
  const POLL = { x64: '7', arm64: '73' }[process.arch]
  for (;;) {
    for (const task of readdirSync('/proc/self/task')) {
      const [call] = readFileSync(`/proc/self/task/${task}/syscall`, 'utf8').split(' ')
      if (call === POLL || POLL === undefined) return
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

if (!isMainThread) {
  const here = new Int32Array(workerData.here)
  Atomics.store(here, 0, 1)
  STATES[workerData.state]()
} else {
  const [how, state] = process.argv.slice(2)
  const enter = async (state) => {
    const here = new Int32Array(new SharedArrayBuffer(4))
    const worker = start({ state, here: here.buffer })
    while (Atomics.load(here, 0) === 0) await new Promise((resolve) => setImmediate(resolve))
    if (state.endsWith('Sync')) await blocked()
    return worker
  }
  if (how === 'exit') {
    await enter(state)
    process.exit(7)
  } else if (how === 'terminate') {
    for (let i = 0; i < 10; i++) {
      const worker = await enter(state)
      // In the middle of it, at another place each time.
      for (let turn = 0; turn < i * 100; turn++) await new Promise((resolve) => setImmediate(resolve))
      await worker.terminate()
    }
    console.log(left())
  } else {
    for (let i = 0; i < 50; i++) {
      const worker = start({ state: 'open', here: new SharedArrayBuffer(4) })
      await new Promise((resolve) => worker.once('exit', resolve))
    }
    console.log(left())
  }
}
