import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { connect, listen } from 'strait'
import { describe, expect, it } from 'vitest'
import { Strait, scratch, strait } from './strait.js'

const directory = scratch()
let names = 0
const fresh = () => `unix:${join(directory, `${++names}.sock`)}`

describe.concurrent.each([
  ['unix', fresh],
  ['tcp', () => 'tcp://127.0.0.1:0'],
  ['ws', () => 'ws://127.0.0.1:0/talk'],
  ['zmq+tcp', () => 'zmq+tcp://127.0.0.1:0'],
])('over %s', (_, address) => {
  it('send and receive pass messages from one shell to another', async () => {
    const receiver = new Strait(['receive', address()])
    const url = await receiver.listening()
    expect(await strait(['send', url, 'hello', '', 'größer'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(await receiver.outcome).toMatchObject({ code: 0, stdout: 'hello\n\ngrößer\n' })
  })

  it('send takes the lines of stdin when there are no messages', async () => {
    const text = Array.from({ length: 20_000 }, (_, line) => `line ${line}\n`).join('')
    const receiver = new Strait(['receive', address()])
    expect(await strait(['send', await receiver.listening()], text)).toMatchObject({ code: 0 })
    expect(await receiver.outcome).toMatchObject({ code: 0, stdout: text })
  })

  it('listen talks both ways until the peer ends', async () => {
    const listener = new Strait(['listen', address()])
    const channel = await connect(await listener.listening())
    listener.child.stdin!.end('one\ntwo\n')
    expect(Buffer.from((await channel.receive())!).toString()).toBe('one')
    expect(Buffer.from((await channel.receive())!).toString()).toBe('two')
    await channel.send(Buffer.from('three'))
    await channel.close()
    expect(await listener.outcome).toMatchObject({ code: 0, stdout: 'three\n' })
  })

  it('echo answers many peers at once', async () => {
    const echo = new Strait(['echo', address()])
    const url = await echo.listening()
    const idle = await connect(url)
    const words = Array.from({ length: 100 }, (_, index) => `word ${index}`)
    const [first, second] = await Promise.all([
      strait(['send', '--reply', url, ...words]),
      strait(['send', '--reply', url, 'other']),
    ])
    expect(first).toMatchObject({ code: 0, stdout: `${words.join('\n')}\n` })
    expect(second).toMatchObject({ code: 0, stdout: 'other\n' })
    echo.child.kill('SIGINT')
    expect(await idle.receive()).toBeUndefined()
    expect(await echo.outcome).toMatchObject({ code: 0, signal: null })
  })

  it('binary passes every byte as it is', async () => {
    const bytes = randomBytes(3_000_000)
    const receiver = new Strait(['receive', '--binary', address()], { readStdout: false })
    const received = buffer(receiver.child.stdout!)
    expect(await strait(['send', '--binary', await receiver.listening()], bytes)).toMatchObject({ code: 0 })
    expect((await received).equals(bytes)).toBe(true)
    expect(await receiver.outcome).toMatchObject({ code: 0 })
  })
})

describe.concurrent('strait listen', () => {
  it('gives the name back at Ctrl-C, and ends its peer cleanly', async () => {
    const listener = new Strait(['listen', '--keep', fresh()])
    const url = await listener.listening()
    const channel = await connect(url)
    listener.child.kill('SIGINT')
    expect(await channel.receive()).toBeUndefined()
    expect(await listener.outcome).toMatchObject({ code: 0, signal: null })
    expect(existsSync(new URL(url).pathname)).toBe(false)
  })

  it('keeps what a peer did not take for the next', async () => {
    const listener = new Strait(['listen', '--keep', fresh()])
    const url = await listener.listening()
    const first = await connect(url)
    await first.close()
    const second = await connect(url)
    listener.child.stdin!.write('for the second\n')
    expect(Buffer.from((await second.receive())!).toString()).toBe('for the second')
    await second.close()
    listener.child.kill('SIGTERM')
    expect(await listener.outcome).toMatchObject({ code: 0, signal: null })
  })

  it('closes at the end of stdin where told so', async () => {
    const listener = new Strait(['listen', '--end', fresh()])
    const channel = await connect(await listener.listening())
    listener.child.stdin!.end('all\n')
    expect(Buffer.from((await channel.receive())!).toString()).toBe('all')
    expect(await channel.receive()).toBeUndefined()
    expect(await listener.outcome).toMatchObject({ code: 0 })
  })

  it('ends quietly when nobody reads its output any more', async () => {
    const listener = new Strait(['listen', fresh()], { readStdout: false })
    const url = await listener.listening()
    const channel = await connect(url)
    listener.child.stdout!.destroy()
    await once(listener.child.stdout!, 'close')
    await channel.send(Buffer.from('to nobody'))
    expect(await channel.receive()).toBeUndefined()
    const { code, stderr } = await listener.outcome
    expect(stderr).toBe(`strait: listening on ${url}\n`)
    expect(code).toBe(0)
  })

  it('fails when the peer dies, and says how', async () => {
    const listener = new Strait(['listen', fresh()])
    const url = await listener.listening()
    const sender = new Strait(['send', url])
    const arrived = once(listener.child.stdout!, 'data')
    sender.child.stdin!.write('alive\n')
    await arrived
    sender.child.kill('SIGKILL')
    const { code, stderr } = await listener.outcome
    expect(stderr).toContain('the peer went away without closing')
    expect(code).toBe(1)
  })

  it('refuses an address in use with exit code 1', async () => {
    const listener = new Strait(['listen', fresh()])
    const url = await listener.listening()
    const { code, stderr } = await strait(['listen', url])
    expect(stderr).toBe(`strait: listen ${url}: somebody listens here already\n`)
    expect(code).toBe(1)
  })
})

it('listen says in one line what wss: needs, with exit code 2', async () => {
  const { code, stderr } = await strait(['listen', 'wss://127.0.0.1:0'])
  expect(stderr).toMatch(/^strait: wss: needs .* certificate.*\n$/)
  expect(code).toBe(2)
})

describe.concurrent('strait send', () => {
  it('says in one line that nobody is listening, with exit code 1', async () => {
    const url = fresh()
    const { code, stdout, stderr } = await strait(['send', url, 'hello'])
    expect(stderr).toBe(`strait: connect ${url}: nobody is listening (ENOENT)\n`)
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })

  it.each([
    'unix:relative',
    'unix://run/a.sock',
    'nix:a',
    'tcp://127.0.0.1',
    'mem:a',
    'fork:',
    'worker:',
    'ws:a',
    'hello',
  ])('refuses %s with exit code 2', async (url) => {
    const { code, stderr } = await strait(['send', url, 'hello'])
    expect(stderr).toMatch(/^strait: .+\n$/)
    expect(code).toBe(2)
  })

  it('fails when the peer ends before it answered', async () => {
    const url = fresh()
    const listener = await listen(url)
    const outcome = strait(['send', '--reply', url, 'hello'])
    const channel = (await listener.accept())!
    await channel.receive()
    await channel.close()
    const { code, stderr } = await outcome
    expect(stderr).toBe(`strait: ${url}: the peer ended before it answered\n`)
    expect(code).toBe(1)
    await listener.close()
  })

  it('fails when the peer ends before stdin does', async () => {
    const url = fresh()
    const listener = await listen(url)
    const sender = new Strait(['send', url])
    const channel = (await listener.accept())!
    sender.child.stdin!.write('hello\n')
    await channel.receive()
    await channel.close()
    const { code, stderr } = await sender.outcome
    expect(stderr).toBe(`strait: send ${url}: the peer has closed the channel\n`)
    expect(code).toBe(1)
    await listener.close()
  })

  it('does not wait for a peer that waits for its answers to be read', async () => {
    const echo = new Strait(['echo', fresh()])
    const bytes = randomBytes(8_000_000)
    expect(await strait(['send', '--binary', await echo.listening()], bytes)).toMatchObject({ code: 0 })
    echo.child.kill('SIGINT')
    expect(await echo.outcome).toMatchObject({ code: 0 })
  })
})

describe.concurrent('--key-file', () => {
  const file = (name: string, content: string) => {
    const path = join(directory, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }

  it('lets in who has the same key, and nobody else', async () => {
    const echo = new Strait(['echo', '--key-file', file('right', 'secret\n'), 'tcp://127.0.0.1:0'])
    const url = await echo.listening()
    const right = await strait(['send', '--reply', '--key-file', file('same', 'secret'), url, 'hello'])
    expect(right).toMatchObject({ code: 0, stdout: 'hello\n' })
    const wrong = await strait(['send', '--reply', '--key-file', file('wrong', 'guess'), url, 'hello'])
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(wrong.stderr).toMatch(/^strait: connect tcp:.+\n$/)
    echo.child.kill('SIGINT')
    const { stderr } = await echo.outcome
    expect(stderr).toContain('turned somebody away')
    expect(stderr).not.toContain('has no key')
  })

  it('is a usage error where there is no such file, or it is empty', async () => {
    const missing = await strait(['send', '--key-file', join(directory, 'none'), fresh(), 'hello'])
    expect(missing.stderr).toContain('strait: --key-file: ENOENT')
    expect(missing.code).toBe(2)
    const empty = await strait(['send', '--key-file', file('empty', '\n'), fresh(), 'hello'])
    expect(empty.stderr).toContain('is empty')
    expect(empty.code).toBe(2)
  })
})

describe.concurrent('--json', () => {
  it('prints what happens, one object a line', async () => {
    const url = fresh()
    const receiver = new Strait(['receive', '--json', url])
    await once(receiver.child.stdout!, 'data')
    const sent = await strait(['send', '--json', url, 'hello', 'größer'])
    expect(JSON.parse(sent.stdout)).toEqual({ event: 'sent', messages: 2, bytes: 13 })
    const { code, stdout, stderr } = await receiver.outcome
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { event: 'listening', url },
      { event: 'open' },
      { event: 'message', text: 'hello' },
      { event: 'message', text: 'größer' },
      { event: 'end' },
    ])
  })

  it('prints what is not UTF-8 in base64', async () => {
    const url = fresh()
    const receiver = new Strait(['receive', '--json', url])
    await once(receiver.child.stdout!, 'data')
    await strait(['send', '--binary', url], new Uint8Array([0xff, 0x00]))
    const { stdout } = await receiver.outcome
    expect(stdout).toContain('{"event":"message","base64":"/wA="}\n')
  })
})
