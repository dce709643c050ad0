// What another process does with a region: region.mjs VERB NAME
import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Mutex, Region, Semaphore } from '@strait/sync'

const [verb, name] = process.argv.slice(2)
const print = (value) => console.log(JSON.stringify(value))
const verbs = {
  close() {
    const region = Region.open(name)
    region.close()
    print({ named: existsSync(`/dev/shm/strait.lock.${process.geteuid()}.${name}`) })
  },
  exit() {
    new Mutex({ region: Region.create(name) }).tryLock()
    process.exit(0)
  },
  throw() {
    new Mutex({ region: Region.create(name) }).tryLock()
    throw new Error('of no interest')
  },
  end() {
    new Mutex({ region: Region.create(name) }).tryLock()
  },
  killed() {
    const region = Region.create(name)
    new Mutex({ region }).tryLock()
    new Semaphore(3, { region }).tryAcquire()
    process.kill(process.pid, 'SIGKILL')
  },
  code() {
    try {
      Region.openOrCreate(name)
      print({ code: 'none' })
    } catch ({ code }) {
      print({ code })
    }
  },
  /** Two processes hand a lock to each other, and the other one is killed in the end. */
  async two() {
    const region = Region.create(name)
    const mutex = new Mutex({ region })
    const other = fork(fileURLToPath(import.meta.url), ['other', name])
    await new Promise((resolve) => other.once('message', resolve))
    let rounds = 0
    for (; rounds < 200; rounds++) {
      const guard = await mutex.lock()
      await new Promise(setImmediate)
      guard.release()
    }
    other.send('hold')
    await new Promise((resolve) => other.once('message', resolve))
    const waiting = mutex.lock()
    other.kill('SIGKILL')
    const { ownerDied } = await waiting
    print({ told: ownerDied, rounds })
    region.close()
  },
  async other() {
    const mutex = new Mutex({ region: Region.open(name) })
    let hold = false
    process.once('message', () => {
      hold = true
    })
    process.send('ready')
    while (!hold) {
      const guard = await mutex.lock()
      await new Promise(setImmediate)
      guard.release()
    }
    const guard = await mutex.lock()
    process.send('held')
    await new Promise((resolve) => setTimeout(resolve, 60_000))
    guard.release()
  },
  async collected() {
    const inodes = new Set()
    for (let turn = 0; turn < 10; turn++) {
      for (let each = 0; each < 200; each++) inodes.add(new Mutex().region.share().inode)
      globalThis.gc()
      await new Promise(setImmediate)
      await new Promise(setImmediate)
    }
    print({ regions: inodes.size })
  },
}
await verbs[verb]()
