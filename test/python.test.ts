import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect as connectRaw, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Channel, connect, listen, StraitError } from 'strait'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../interop/python/', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))
const [, major = 0, minor = 0] =
  /^Python (\d+)\.(\d+)/.exec(String(spawnSync('python3', ['--version'], { encoding: 'utf8' }).stdout)) ?? []
const hasPython = Number(major) === 3 && Number(minor) >= 9

const SIZES = [0, 1, 7, 8, 9, 4096, 65528, 65529, 1024 * 1024, 16 * 1024 * 1024, 0, 3]
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

/** The greeting of a peer that this test plays. */
function greeting({ version = 1, limit = 65536 } = {}): Buffer {
  const preface = Buffer.alloc(16)
  preface.write('STRAIT')
  preface[6] = version
  preface.writeUInt32LE(limit, 8)
  return preface
}

/** A program that says lines, each a value in JSON. */
class Program {
  readonly process: ChildProcess
  readonly exited: Promise<unknown[]>
  readonly #lines: AsyncIterator<string>

  constructor(command: string, args: readonly string[], cwd: string) {
    this.process = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] })
    this.exited = once(this.process, 'exit')
    this.process.stdin!.on('error', () => {})
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]()
    started.push(this)
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever the program says
  async hears(): Promise<any> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the program has ended')
    return JSON.parse(value)
  }

  tell(line: string): void {
    this.process.stdin!.write(`${line}\n`)
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.exited
  }
}

let started: Program[]
let directory: string

beforeEach(() => {
  started = []
  directory = mkdtempSync(join(tmpdir(), 'strait-test-'))
})

afterEach(async () => {
  await Promise.all(started.map((program) => program.kill()))
  rmSync(directory, { recursive: true })
})

function python(
  task: string,
  role: 'connect' | 'listen',
  url: string,
  { key = '', limit = '' } = {},
): Program {
  const args = [
    '-B',
    '-W',
    'ignore::RuntimeWarning',
    join(folder, 'peer.py'),
    task,
    role,
    url,
    ...(limit === '' ? [] : [limit]),
  ]
  const program = new Program('python3', args, folder)
  program.tell(key)
  return program
}

/** A Node program that meets Python, sends a hundred messages, says so, and reads for ever. */
function node(role: 'connect' | 'listen', url: string): Program {
  const meet =
    role === 'connect'
      ? 'const channel = await connect(url)'
      : 'const listener = await listen(url); say(listener.url.href); const channel = await listener.accept()'
  const text = `
    import { connect, listen } from 'strait'
    const url = ${JSON.stringify(url)}
    const say = (what) => console.log(JSON.stringify(what))
    ${meet}
    for (let i = 0; i < 100; i++) await channel.send(new TextEncoder().encode(i))
    say('sent')
    for await (const _ of channel);`
  return new Program(process.execPath, ['--no-warnings', '--input-type=module', '-e', text], here)
}

const address = (scheme: string) => (scheme === 'unix' ? `unix:${directory}/a` : 'tcp://127.0.0.1:0')

/** A Python program and the channel to it. */
async function meet(
  task: string,
  scheme: string,
  listens: 'Node' | 'Python',
  key = '',
): Promise<[Program, Channel]> {
  const options = key === '' ? {} : { key }
  if (listens === 'Python') {
    const program = python(task, 'listen', address(scheme), { key })
    return [program, await connect(await program.hears(), options)]
  }
  const listener = await listen(address(scheme), options)
  const program = python(task, 'connect', listener.url.href, { key })
  const channel = await listener.accept()
  await listener.close()
  return [program, channel!]
}

describe.skipIf(!hasPython)('the peer for Python (needs python3, 3.9 or later)', () => {
  it('passes its own tests', async () => {
    const run = promisify(execFile)('python3', ['-B', '-X', 'dev', '-m', 'unittest'], { cwd: folder })
    const { stderr } = await run
    expect(stderr).toMatch(/^Ran \d+ tests/m)
    expect(stderr.trimEnd()).toMatch(/^OK/m)
  })

  for (const scheme of ['unix', 'tcp']) {
    for (const listens of ['Node', 'Python'] as const) {
      describe(`over ${scheme}:, where ${listens} listens`, () => {
        for (const key of ['', 'open sesame']) {
          for (const closes of ['Node', 'Python']) {
            it(`${key === '' ? 'without' : 'with'} a key, messages of 0 B to 16 MiB go both ways at once, ${closes} closes`, async () => {
              const task = closes === 'Python' ? 'exchange-and-close' : 'exchange'
              const [program, channel] = await meet(task, scheme, listens, key)
              const sent = SIZES.map((size) => new Uint8Array(randomBytes(size)))
              const sending = Promise.all(sent.map((message) => channel.send(message)))
              const received: string[] = []
              for await (const message of channel) {
                received.push(sha256(message))
                if (closes === 'Node' && received.length === SIZES.length) break
              }
              await sending
              await channel.close()
              expect(await program.hears()).toEqual({
                sent: received,
                received: sent.map(sha256),
                error: null,
              })
              expect(await channel.closed).toEqual({ by: closes === 'Node' ? 'local' : 'peer' })
              expect(await program.exited).toEqual([0, null])
              expect(readdirSync(directory)).toEqual([])
            })
          }
        }

        it('Python is killed: every message it had sent arrives, then RESET', async () => {
          const [program, channel] = await meet('stay', scheme, listens)
          expect(await program.hears()).toBe('sent')
          await program.kill()
          for (let i = 0; i < 100; i++) {
            expect(new TextDecoder().decode(await channel.receive())).toBe(String(i))
          }
          await expect(channel.receive()).rejects.toEqual(code('RESET'))
        })

        it('Node is killed: every message it had sent arrives, then RESET', async () => {
          const url = address(scheme)
          const [first, second] =
            listens === 'Node' ? [node('listen', url), undefined] : [undefined, python('tell', 'listen', url)]
          const at = await (first ?? second)!.hears()
          const killed = first ?? node('connect', at)
          const survivor = second ?? python('tell', 'connect', at)
          expect(await survivor.hears()).toBe('met')
          expect(await killed.hears()).toBe('sent')
          await killed.kill()
          survivor.tell('read')
          expect(await survivor.hears()).toEqual({ count: 100, end: 'ERR_STRAIT_RESET' })
          expect(await survivor.exited).toEqual([0, null])
        })
      })
    }

    it(`another key is refused on both sides over ${scheme}:, and so is one on one side only`, async () => {
      for (const [ours, theirs] of [
        ['right', 'wrong'],
        ['right', ''],
        ['', 'wrong'],
      ] as const) {
        const options = ours === '' ? {} : { key: ours }
        const listener = await listen(address(scheme), options)
        const refused = python('tell', 'connect', listener.url.href, { key: theirs })
        expect(await refused.hears()).toBe('ERR_STRAIT_AUTH_FAILED')
        await listener.close()

        const program = python('tell', 'listen', address(scheme), { key: theirs })
        const url = await program.hears()
        await expect(connect(url, options)).rejects.toEqual(code('AUTH_FAILED'))
        // The listener lives on for those who know the key.
        const welcome = await connect(url, theirs === '' ? {} : { key: theirs })
        welcome.abort()
        await program.kill()
        rmSync(join(directory, 'a'), { force: true })
      }
    })
  }

  /** A listener of which this test is the far end of every connection. */
  async function rawListener(behave: (socket: Socket) => void): Promise<[string, () => void]> {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}))
      behave(socket)
    })
    await new Promise<void>((resolve) => server.listen(join(directory, 'raw'), resolve))
    const close = () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
    return [`unix:${directory}/raw`, close]
  }

  it('a peer of another version is NOT_SUPPORTED', async () => {
    const [url, close] = await rawListener((socket) => socket.write(greeting({ version: 2 })))
    expect(await python('tell', 'connect', url).hears()).toBe('ERR_STRAIT_NOT_SUPPORTED')
    close()
  })

  it('one byte more than agreed is TOO_LARGE behind what came before', async () => {
    const header = (length: number) => Buffer.from([0, 0, 0, 0, length, 0, 0, 0])
    const [url, close] = await rawListener((socket) => {
      socket.write(Buffer.concat([greeting(), header(1), Buffer.from('0'), header(6), Buffer.from('123456')]))
    })
    const program = python('tell', 'connect', url, { limit: '5' })
    expect(await program.hears()).toBe('met')
    program.tell('read')
    expect(await program.hears()).toEqual({ count: 1, end: 'ERR_STRAIT_TOO_LARGE' })
    close()
  })

  it('the limit of Python holds for Node too', async () => {
    const program = python('stay', 'listen', address('unix'), { limit: '5' })
    const channel = await connect(await program.hears())
    expect(channel.capabilities.maxMessageSize).toBe(5)
    await expect(channel.send(new Uint8Array(6))).rejects.toEqual(code('TOO_LARGE'))
    channel.abort()
  })

  it('pings are answered: whoever is silent besides runs into the idleTimeout, Python does not', async () => {
    const listener = await listen(address('unix'), { idleTimeout: 50 })
    python('stay', 'connect', listener.url.href)
    const channel = (await listener.accept())!
    for (let i = 0; i < 100; i++) await channel.receive()
    const ended = channel.receive().catch((error) => error)
    for (let round = 0; round < 5; round++) {
      const mute = connectRaw(join(directory, 'a')).on('error', () => {})
      mute.write(greeting())
      const silent = (await listener.accept())!
      await expect(silent.receive()).rejects.toEqual(code('TIMEOUT'))
      mute.destroy()
      expect(channel.state).toBe('open')
    }
    channel.abort()
    expect(StraitError.is(await ended, 'ABORTED')).toBe(true)
    await listener.close()
  })
})
