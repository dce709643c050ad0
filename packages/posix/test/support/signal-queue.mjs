// Ends threads and processes that have a queue of signals, and closes queues to which somebody sends.
//
//   signal-queue.mjs terminate STATE   workers in that state are terminated; then another thread has the signal
//   signal-queue.mjs exit STATE        the process exits with 7 while its worker is in that state
//   signal-queue.mjs late              signals to a queue that was closed, directed at the thread and at the process
//   signal-queue.mjs child             prints the blocked signals of a child, while a queue is open
//   signal-queue.mjs limit             sends to itself until it is refused, reads one, sends again; prints what went
//   signal-queue.mjs from PROGRAM      prints how many different ones came of the 1,000 that it sends to the process
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { SignalQueue } from '@strait/posix'

const STATES = {
  blocked: (queue) => queue.receiveSync(),
  waiting: (queue) => queue.receive(),
  unread: (queue) => {
    for (let value = 0n; value < 100n; value++) SignalQueue.send(queue.address, queue.signal, value)
  },
  receiving: (queue) => {
    for (;;) if (SignalQueue.send(queue.address, queue.signal)) queue.tryReceive()
  },
}

async function enter(state) {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: state })
  await new Promise((resolve) => worker.once('message', resolve))
  return worker
}

const signalfds = () =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).includes('signalfd')
    } catch {
      return false
    }
  }).length

const MODES = {
  async terminate(state) {
    for (let round = 0; round < 10; round++) {
      const worker = await enter(state)
      for (let turn = 0; turn < round * 50; turn++) await new Promise((resolve) => setImmediate(resolve))
      await worker.terminate()
      const queue = SignalQueue.open()
      SignalQueue.send(queue.address, queue.signal, BigInt(round))
      const { value } = await queue.receive()
      queue.close()
      if (value !== BigInt(round)) throw new Error(`${value} came`)
    }
    console.log(`descriptors ${signalfds()}`)
  },
  async exit(state) {
    await enter(state)
    process.exit(7)
  },
  async late() {
    const queue = SignalQueue.open()
    const { address, signal } = queue
    SignalQueue.send(address, signal, 1n)
    SignalQueue.send({ pid: address.pid }, signal, 2n)
    queue.close()
    for (let index = 0; index < 100; index++) {
      SignalQueue.send(address, signal, 3n)
      SignalQueue.send({ pid: address.pid }, signal, 4n)
    }
    const again = SignalQueue.open({ signal })
    console.log(`alive, ${again.tryReceive()}`)
    again.close()
  },
  async child() {
    const queue = SignalQueue.open()
    console.log(execFileSync('grep', ['SigBlk', '/proc/self/status'], { encoding: 'utf8' }).trim())
    queue.close()
  },
  async from(program) {
    const queue = SignalQueue.open()
    const args = ['send', process.pid, 0, queue.signal, 1000, 0].map(String)
    const sender = spawn(program, args, { stdio: 'inherit' })
    const sent = new Promise((resolve) => sender.once('exit', resolve))
    const came = new Set()
    while (came.size < 1000) came.add((await queue.receive()).value)
    await sent
    console.log(`${came.size} came`)
    queue.close()
  },
  async limit() {
    const queue = SignalQueue.open()
    let sent = 0n
    while (SignalQueue.send(queue.address, queue.signal, sent)) sent++
    const { value } = queue.tryReceive()
    const again = SignalQueue.send(queue.address, queue.signal, sent)
    let left = 0
    while (queue.tryReceive() !== undefined) left++
    console.log(JSON.stringify({ sent: Number(sent), first: Number(value), again, left }))
    queue.close()
  },
}

if (isMainThread) await MODES[process.argv[2]](process.argv[3])
else {
  const queue = SignalQueue.open()
  parentPort.postMessage('open')
  STATES[workerData](queue)
}
