import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { beforeAll, describe, expect, it } from 'vitest'
import { Fifo, Pipe, PipeReader, UnixListener, UnixSocket } from '../src/index.js'
import { BUILT, inDirectory, node } from './support/others.js'

const program = fileURLToPath(new URL('support/blocked.mjs', import.meta.url))

async function begin(
  what: string,
  directory: string,
  index = 0,
): Promise<{ worker: Worker; message: unknown }> {
  const worker = new Worker(program, { workerData: { built: BUILT, what, directory, index } })
  const [message] = await once(worker, 'message')
  return { worker, message }
}

/** Descriptors of pipes, FIFOs and sockets, and threads. */
function census(): { descriptors: string[]; threads: number } {
  const descriptors = readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`)
      return /^(pipe|socket):|strait-posix-/.test(target) ? [`${name} ${target}`] : []
    } catch {
      return [] // the one that read the directory
    }
  })
  return { descriptors, threads: readdirSync('/proc/self/task').length }
}

let names: string[]

beforeAll(async () => {
  await inDirectory(async (directory) => {
    const { worker, message } = await begin('names', directory)
    names = message as string[]
    await worker.terminate()
  })
})

describe('the end of a thread or a process', () => {
  it('comes while it is blocked in any …Sync, for a worker', async () => {
    expect(names).toHaveLength(12)
    await inDirectory(async (directory) => {
      const before = census()
      for (const name of names) {
        const { worker, message } = await begin(name, directory)
        expect(message).toBe(name)
        const further: unknown[] = []
        worker.on('message', (each) => further.push(each))
        expect(await worker.terminate()).toBe(1)
        expect(further).toEqual([])
      }
      expect(census()).toEqual(before)
    })
  })

  it('comes while a worker of the process is blocked in each, for a process that exits', async () => {
    await inDirectory(async (directory) => {
      const code = `
        import { once } from 'node:events'
        import { Worker } from 'node:worker_threads'
        for (const what of ${JSON.stringify(names)}) {
          const workerData = { built: ${JSON.stringify(BUILT)}, what, directory: ${JSON.stringify(directory)}, index: 0 }
          const worker = new Worker(${JSON.stringify(program)}, { workerData, execArgv: [] })
          await once(worker, 'message')
        }
        process.exit(7)`
      expect(await node(code)).toEqual({ code: 7, out: '' })
    })
  })

  it('leaves no descriptor and no thread, whatever a worker held in whichever state', async () => {
    await inDirectory(async (directory) => {
      // The first one may start threads that the process keeps.
      await (await begin('everything', directory, 100)).worker.terminate()
      const before = census()
      for (let round = 0; round < 5; round++) {
        const indices = [0, 1, 2, 3].map((index) => round * 4 + index)
        const workers = await Promise.all(indices.map((index) => begin('everything', directory, index)))
        expect(census().descriptors.length).toBeGreaterThan(before.descriptors.length + 4 * 40)
        await Promise.all(workers.map(({ worker }) => worker.terminate()))
        expect(census()).toEqual(before)
      }
    })
  })

  it('does not close what was taken from a worker’s received descriptors', async () => {
    using pipe = Pipe.create()
    const code = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData.built).then(({ UnixSocket }) => {
        const [near, far] = UnixSocket.pair()
        near.sendSync(new Uint8Array(1), { descriptors: [workerData.descriptor] })
        parentPort.postMessage(far.receiveSync({ maxDescriptors: 1 }).descriptors[0].take())
      })`
    const workerData = { built: BUILT, descriptor: pipe.reader.descriptor }
    const worker = new Worker(code, { eval: true, workerData })
    const exited = once(worker, 'exit')
    const [descriptor] = await once(worker, 'message')
    await exited
    pipe.writer.writeSync(Uint8Array.of(1))
    using reader = PipeReader.fromDescriptor(descriptor)
    expect(reader.tryRead()).toEqual(Uint8Array.of(1))
  })
})

describe('10,000 opens and closes', () => {
  const idle = () => new Promise((resolve) => setImmediate(resolve))
  const closed = (promise: Promise<unknown>) => promise.catch(() => {})

  /** With a wait in it, so that the event loop watches each. */
  const OBJECTS: Record<string, (directory: string, index: number) => Promise<unknown>> = {
    async Pipe() {
      using pipe = Pipe.create()
      pipe.writer.tryWrite(Uint8Array.of(1))
      pipe.reader.tryRead()
      return closed(pipe.reader.read())
    },
    async Fifo(directory) {
      using fifo = Fifo.openOrCreate(join(directory, 'fifo'))
      fifo.writer.tryWrite(Uint8Array.of(1))
      fifo.reader.tryRead()
      return closed(fifo.reader.read())
    },
    ...Object.fromEntries(
      (['stream', 'seqpacket', 'datagram'] as const).map((kind) => [
        `UnixSocket.pair ${kind}`,
        async () => {
          const [near, far] = UnixSocket.pair(kind)
          const waiting = closed(far.receive())
          near.trySend(Uint8Array.of(1), { descriptors: [near.descriptor] })
          near.close()
          far.close()
          await waiting
        },
      ]),
    ),
    async UnixListener(directory, index) {
      const path = join(directory, `socket-${index}`)
      using listener = UnixListener.listen(path)
      const accepting = listener.accept()
      using _ = UnixSocket.connect(path)
      const accepted = await accepting
      accepted.close()
      return closed(listener.accept())
    },
    async 'UnixSocket.bind'(directory, index) {
      const path = join(directory, `socket-${index}`)
      using receiver = UnixSocket.bind(path)
      using sender = UnixSocket.unbound()
      sender.trySend(Uint8Array.of(1), { to: path })
      receiver.tryReceive()
      return closed(receiver.receive())
    },
  }

  it.each(Object.keys(OBJECTS))('of %s leave descriptors, files and memory where they were', async (name) => {
    await inDirectory(async (directory) => {
      const open = OBJECTS[name]!
      const rounds = async (count: number) => {
        for (let index = 0; index < count; index++) {
          await open(directory, index)
          if (index % 100 === 0) await idle()
        }
        await idle()
      }
      await rounds(1_000)
      const before = census()
      const memory = process.memoryUsage().rss
      await rounds(10_000)
      expect(census()).toEqual(before)
      expect(readdirSync(directory).filter((each) => each !== 'fifo')).toEqual([])
      // What a sanitizer keeps aside is no leak. 10,000 of anything that leaks 4 KiB is 40 MiB.
      if (process.env.STRAIT_SANITIZED === undefined)
        expect(process.memoryUsage().rss - memory).toBeLessThan(40 << 20)
    })
  })
})
