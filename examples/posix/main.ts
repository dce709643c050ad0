import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Fifo, Pipe, PipeWriter, UnixListener, UnixSocket } from '@strait/posix'

const encode = (words: string) => new TextEncoder().encode(words)
const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes).trimEnd()
// A pipe into a program that knows nothing of Strait. It has its own copy of the reading end, so we close ours.
const pipe = Pipe.create()
const sort = spawn('sort', ['-n'], { stdio: [pipe.reader.descriptor, 'pipe', 'inherit'] })
pipe.reader.close()
for (const number of [21, 3, 10]) await pipe.writer.write(encode(`${number}\n`))
pipe.writer.close()
console.log(`sort: ${(await text(sort.stdout!)).trim().split('\n').join(' ')}`)

const directory = mkdtempSync(join(tmpdir(), 'strait-example-'))

// A FIFO. Any program that can write a file writes to it; the name is all that it needs.
const fifo = Fifo.create(join(directory, 'jobs'))
spawn('sh', ['-c', 'echo fib 20 > "$0"', fifo.path])
console.log(`fifo: ${decode(await fifo.reader.read())}`)
fifo.unlink()
fifo.close()

// A Unix socket that keeps boundaries. Both ends know who the other one is, by the kernel's word.
const listener = UnixListener.listen(join(directory, 'socket'), { kind: 'seqpacket' })
const near = UnixSocket.connect(join(directory, 'socket'), { kind: 'seqpacket' })
const far = await listener.accept()
console.log(`peer: ${far.peer?.pid === process.pid}, user ${far.peer?.uid === process.getuid?.()}`)

// It carries open files too: here the writing end of a pipe, of which the receiver gets a copy of his own.
const answers = Pipe.create()
await near.send(encode('write here'), { descriptors: [answers.writer.descriptor] })
answers.writer.close()
const received = (await far.receive({ maxDescriptors: 1 }))!
const writer = PipeWriter.fromDescriptor(received.descriptors[0]!.take())
await writer.write(encode(`you said: ${decode(received.bytes)}`))
writer.close()
for await (const bytes of answers.reader) console.log(`pipe: ${decode(bytes)}`)

// Nothing is ever cut in silence.
await near.send(new Uint8Array(1000))
await far.receive({ maxLength: 999 }).catch((error) => console.log(`${error.code}: ${error.reason}`))

for (const each of [answers.reader, near, far, listener]) each.close()
rmSync(directory, { recursive: true })
