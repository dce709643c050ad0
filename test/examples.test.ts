import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { supported } from '@strait/posix'
import { peerSchemes } from 'strait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const hasPython = spawnSync('python3', ['--version']).status === 0
const withoutAddon = supported ? '' : ' (skipped: the native addon is not built)'
const built = fileURLToPath(new URL('../examples/dist/', import.meta.url))

/** The only place where an example can leave a file behind. */
let temporary: string

beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'strait-test-'))
})

afterAll(() => {
  rmSync(temporary, { recursive: true })
})

async function example(file: string, ...args: string[]): Promise<string[]> {
  const env = { ...process.env, TMPDIR: temporary }
  const { stdout, stderr } = await run(process.execPath, [join(built, file), ...args], { env })
  expect(stderr).toBe('')
  expect(readdirSync(temporary)).toEqual([])
  return stdout.trimEnd().split('\n')
}

describe('the examples run, say what their pages say, and leave nothing behind', () => {
  it('mem: two ends in one process', async () => {
    expect(await example('mem/main.js')).toEqual([
      'answer: ONE WORD SWAPS THE TRANSPORT',
      'answer: BEFORE',
      'after close: closed, by the peer',
      'nobody reads: message 63 of 1 KiB is refused',
    ])
  })

  it('unix: a name, its mode, and its heir', async () => {
    expect(await example('unix/main.js')).toEqual([
      'listening, mode 600',
      'ERR_STRAIT_ADDRESS_IN_USE: listen unix:/app.sock: somebody listens here already',
      'closed, the name is gone',
      'listening, mode 660',
      'the listener was killed, the name is still there',
      'ERR_STRAIT_REFUSED: connect unix:/app.sock: nobody is listening (ECONNREFUSED)',
      'the next listener has taken it and accepts',
      'ERR_STRAIT_ADDRESS_IN_USE: listen unix:/app.sock: something that is not a socket stands there',
      'ERR_STRAIT_PERMISSION: connect unix:/app.sock: a symbolic link stands there',
    ])
  })

  it.skipIf(!supported)(`pipe: a chain of three programs${withoutAddon}`, async () => {
    expect(await example('pipe/main.js')).toEqual([
      'main started fib: true, fib started sum: true',
      'the sum after fib(10): 89',
      'the sum after fib(11): 233',
      'the sum after fib(12): 466',
      'closed: fib and sum ended with 0',
      'fib was killed: ERR_STRAIT_RESET',
      'nobody is left',
    ])
  })

  it.skipIf(!supported)(
    `fifo: two programs that meet by a name, and one that blocks${withoutAddon}`,
    async () => {
      expect(await example('fifo/main.js')).toEqual([
        'a second listener: ERR_STRAIT_ADDRESS_IN_USE',
        "the worker is there, on the kernel's word: true",
        'a descriptor of …-back (deleted)',
        'a descriptor of …-there (deleted)',
        'fib(20) = 10946',
        'fib(21) = 17711',
        'fib(22) = 28657',
        'the worker was killed: ERR_STRAIT_RESET',
      ])
    },
  )

  it.skipIf(!supported)(`signal: a value in a signal, and a channel of many${withoutAddon}`, async () => {
    expect(await example('signal/main.js')).toEqual([
      'a queue of signal 34',
      'it has brought 123456789abcdef, and says it is from this process: true',
      "the worker is there, on the kernel's word: true",
      'fib(20) = 10946',
      'fib(21) = 17711',
      'fib(22) = 28657',
      'the worker blocks signal 60',
      'stopped, it has pending signal 60',
      'fib(23) = 46368',
      'the worker was killed: ERR_STRAIT_RESET',
    ])
  })

  it.skipIf(!supported)(
    `mq: a queue that waits for its worker, two that a channel has, and a death${withoutAddon}`,
    async () => {
      expect(await example('mq/main.js')).toEqual([
        'room for another: false',
        'priority 9: fib(22) = 28657',
        'priority 0: fib(20) = 10946',
        'priority 0: fib(21) = 17711',
        'left in the queue: 0',
        'its name was still there: true',
        'a descriptor of /strait-…-back (deleted)',
        'a descriptor of /strait-…-there (deleted)',
        'fib(23) = 46368',
        'fib(24) = 75025',
        'fib(25) = 121393',
        'the worker was killed: ERR_STRAIT_RESET',
      ])
    },
  )

  it.skipIf(!supported)(
    `sysv-mq: types, queues that keep their names, and a sweep${withoutAddon}`,
    async () => {
      expect(await example('sysv-mq/main.js')).toEqual([
        'fib, answered by type: 10946,17711,28657',
        'it stays when its processes are gone, until it is removed: true',
        'fib(23) = 46368',
        'fib(24) = 75025',
        'fib(25) = 121393',
        'queues that carried it: 2',
        'the worker was killed: ERR_STRAIT_RESET',
        'left of it: 0',
        'left of two ends that were killed: 2',
        'when somebody has listened: 0',
      ])
    },
  )

  it.skipIf(!supported)(
    `sem: permits that hold back, guard, hand over and come back${withoutAddon}`,
    async () => {
      expect(await example('sem/main.js')).toEqual([
        'jobs that found a space: 16',
        'fib(1) + … + fib(16) = 4179',
        'the worker has the tool: true',
        'the worker was killed: ERR_STRAIT_RESET, and the tool is back',
        'removed: true true',
      ])
    },
  )

  it.skipIf(!supported)(
    `shm: one memory, a batch, a message in place, and a death${withoutAddon}`,
    async () => {
      expect(await example('shm/main.js')).toEqual([
        "the worker is there, on the kernel's word: true",
        'both have mapped the same /memfd:strait (deleted): true',
        'fib(20) = 10946',
        'fib(21) = 17711',
        'fib(22) = 28657',
        'who parks at once has spun 0 times and polled 0 times',
        'written in place: 32000 bytes',
        'read in place: the sum is 8002000',
        'the worker was killed: ERR_STRAIT_RESET',
        'the memory is gone: true',
      ])
    },
  )

  it.skipIf(!supported)(`seqpacket: who is there, and an open file in a message${withoutAddon}`, async () => {
    expect(await example('seqpacket/main.js')).toEqual([
      'it is our child: true',
      'of our user: true, of our group: true',
      'a file without a name, names: 0',
      'a line of the child',
      'a line of the parent',
      'another of the child',
      'a descriptor for the child: ERR_STRAIT_CORRUPT',
      'here: ERR_STRAIT_RESET',
    ])
  })

  it.skipIf(!supported)(
    `posix: the bare objects, and programs that know only those${withoutAddon}`,
    async () => {
      expect(await example('posix/main.js')).toEqual([
        'sort: 3 10 21',
        'fifo: fib 20',
        'peer: true, user true',
        'pipe: you said: write here',
        'ERR_STRAIT_TOO_LARGE: a message of more than 999 bytes came and is lost; `maxLength` allows longer ones',
      ])
    },
  )

  it.skipIf(!supported)(`shared-memory: a table that three processes fill${withoutAddon}`, async () => {
    expect(await example('shared-memory/main.js')).toEqual([
      'fib: 10946 17711 28657 46368 75025 121393 196418 317811 514229 832040',
      'each job was taken once, and 3 found nothing to do',
      'a second one: shared memory of this name exists already (EEXIST)',
      'opened: for whoever opens it',
      'closed: a view of it has 0 bytes',
      'unlinked: true, and again: false',
    ])
  })

  it.skipIf(!supported)(`locks: four tasks change one number${withoutAddon}`, async () => {
    expect(await example('locks/main.js')).toEqual(['0'])
  })

  it.skipIf(!supported)(`picture: four processes paint what one does${withoutAddon}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'strait-test-picture-'))
    try {
      const lines = await example('picture/main.js', '--size', '640x480', folder)
      const pids = lines[1]!.match(/^workers: 4, in processes (\d+) (\d+) (\d+) (\d+); this is (\d+)$/)!
      expect(new Set(pids.slice(1)).size).toBe(5)
      const [, carried] = /^pipe: carried (\d+) bytes of messages$/.exec(lines[2]!)!
      expect(Number(carried)).toBeLessThan(10_000)
      expect(lines[3]).toMatch(/^\d+\.\d\d s with 4, \d+\.\d\d s with one, on \d+ cores$/)
      expect(lines.slice(4)).toEqual([
        'one worker has made the same picture, byte for byte',
        `before.png and after.png are in ${folder}`,
      ])
      const [before, after] = ['before.png', 'after.png'].map((name) => readFileSync(join(folder, name)))
      for (const image of [before!, after!]) {
        expect(image.toString('latin1', 1, 4)).toBe('PNG')
        expect([image.readUInt32BE(16), image.readUInt32BE(20)]).toEqual([640, 480])
      }
      expect(after!.equals(before!)).toBe(false)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.skipIf(!supported)(
    `picture: a worker is killed, it says which, and no process is left${withoutAddon}`,
    async () => {
      const args = [join(built, 'picture/main.js'), '--size', '640x480', '--kill', '2', temporary]
      // A group of its own, for then the kernel knows whether somebody of it is left. The timeout ends a hang.
      const main = spawn(process.execPath, args, {
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: 120_000,
        killSignal: 'SIGKILL',
      })
      const ended = once(main, 'exit')
      expect(await text(main.stderr)).toMatch(
        /^picture: worker 2 \(process \d+\) died at '(across|down)', rows \d+ to \d+: .*SIGKILL.*\n$/,
      )
      expect(await ended).toEqual([1, null])
      expect(() => process.kill(-main.pid!, 0)).toThrow('ESRCH')
      expect(readdirSync(temporary)).toEqual([])
    },
  )

  it('picture: what cannot be done is said before anything is', async () => {
    const refused = async (...args: string[]) => {
      const { code, stdout, stderr } = await example('picture/main.js', ...args).catch((error) => error)
      return { code, stdout, stderr }
    }
    const folder = join(temporary, 'not-there')
    const missing = await refused(folder)
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    expect(missing.stderr).toContain(folder)
    for (const args of [['--size', '640'], ['--workers', '0'], ['--kill', '5'], ['--bogus'], ['a', 'b']]) {
      expect(await refused(...args)).toMatchObject({ code: 2, stdout: '' })
    }
  })

  it('tcp: only who knows the key comes in', async () => {
    expect(await example('tcp/main.js')).toEqual([
      'connectable as printed: true',
      'no key: ERR_STRAIT_AUTH_FAILED',
      'wrong key: ERR_STRAIT_AUTH_FAILED',
      'the listener turned away 2 and lives on',
      'right key: hello',
    ])
  })

  it('tcp: TLS by options of Node', async () => {
    expect(await example('tcp/tls.js')).toEqual([
      'ERR_STRAIT_SYSTEM, the cause is DEPTH_ZERO_SELF_SIGNED_CERT',
      'hello, and nobody on the way can read it',
    ])
  })

  it('fork: what process.send would queue without bound stops at a window', async () => {
    expect(await example('fork/main.js')).toEqual([
      'process.send, child stopped: took all 32768 KiB',
      'fork:, child stopped: full after 256 KiB',
      'child: received 256 KiB; its own answer was full after 256 KiB',
      'of which 256 KiB have arrived here',
    ])
  })

  it('ws: beside an HTTP server of your own', async () => {
    expect(await example('ws/main.js')).toEqual([
      '/echo says hello',
      '/sum says 10',
      'no key: ERR_STRAIT_AUTH_FAILED',
      'no such path: ERR_STRAIT_REFUSED',
      'a page from elsewhere: ERR_STRAIT_PERMISSION',
      'over plain HTTP: a page of mine',
    ])
  })

  it('zmq: many peers of one socket, of which one is killed', async () => {
    expect(await example('zmq/main.js')).toEqual([
      'Ada is here',
      'Grace is here',
      'Edith is here',
      'without CURVE: ERR_STRAIT_AUTH_FAILED',
      'Grace was killed: ERR_STRAIT_RESET',
      'a message to her: ERR_STRAIT_RESET',
      'Ada answers: hello Ada',
      'Edith answers: hello Edith',
    ])
  })

  it.skipIf(!hasPython)(
    `python: jobs for Python${hasPython ? '' : ' (skipped: there is no python3)'}`,
    async () => {
      expect(await example('python/main.js')).toEqual([
        ...[89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765].map(
          (value, index) => `fib(${10 + index}) = ${value}`,
        ),
        'the workers ended with 0 0 0 0',
      ])
    },
  )

  it('worker: a buffer has one owner at a time, and terminate() ends what computes for ever', async () => {
    expect(await example('worker/main.js')).toEqual([
      'the same process: true, another thread: true',
      'after the transfer 0 bytes of it are left here',
      'back: 4194304 bytes, each 0xf0',
      'computing for ever',
      'full after 256 KiB',
      'ERR_STRAIT_RESET, {"exitCode":1,"signal":null}',
    ])
  })

  it('adapters: many peers as one, and a stream there and back', async () => {
    expect(await example('adapters/merge.js')).toEqual([
      'one 1, one 2, one 3',
      'two 1, two 2, two 3',
      'broken 1, broken 2, ERR_STRAIT_RESET',
    ])
    expect(await example('adapters/gzip.js')).toEqual([
      'COMPRESSED THERE, AND BACK',
      'the channel is closed cleanly',
    ])
  })

  it('talk: two programs meet at an address', async () => {
    const answer = spawn(process.execPath, [join(built, 'talk/answer.js'), 'tcp://127.0.0.1:0'])
    const ended = once(answer, 'exit')
    const [greeting] = await once(answer.stdout.setEncoding('utf8'), 'data')
    const [, url] = /^listening at (\S+)$/m.exec(greeting)!
    expect(await example('talk/ask.js', url!)).toEqual(['{ answer: 5 }'])
    expect(await ended).toEqual([0, null])
  })

  it('fib: the same two files for every URL', async () => {
    const urls = (await peerSchemes()).map((scheme) => `${scheme}:`)
    const env = { ...process.env, TMPDIR: temporary }
    const { stdout } = await run(process.execPath, [join(built, 'fib/main.js'), ...urls], { env })
    for (const url of urls) {
      const lines = stdout.split('\n').filter((line) => line.startsWith(`${url} `))
      expect(lines).toHaveLength(10)
      expect(lines[0]).toMatch(/fib\(10\) = 89$/)
      expect(lines[9]).toMatch(/fib\(19\) = 6765$/)
      const processes = new Set(lines.map((line) => line.split(' ')[1]))
      expect(processes.size).toBe(url === 'mem:' || url === 'worker:' ? 1 : 10)
    }
  })
})
