import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { seqpacket } from '@strait/transport-seqpacket'

const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const bytes = (message: string) => new TextEncoder().encode(message)

// A listener says how many descriptors a message may bring; none, if it says nothing.
const url = new URL(`seqpacket:example-${randomUUID()}`)
const listener = await seqpacket.listen(url, { maxDescriptors: 1 })
const program = fileURLToPath(new URL('./child.js', import.meta.url))
const child = spawn(process.execPath, [program, url.href], { stdio: 'inherit' })
const exited = once(child, 'exit')
const channel = (await listener.accept())!

// The kernel wrote down who connected. Nobody can claim to be somebody else.
const { pid, uid, gid } = channel.peer!
console.log(`it is our child: ${pid === child.pid}`)
console.log(`of our user: ${uid === process.geteuid!()}, of our group: ${gid === process.getegid!()}`)

// A message with a descriptor: the file itself, which has no name that we could have opened.
const message = (await channel.receive())!
const [file] = channel.takeDescriptors(message)
console.log(`${text(message)}, names: ${fstatSync(file!).nlink}`)

// One open file, two processes: we go on writing where the child has stopped.
writeSync(file!, 'a line of the parent\n')
await channel.send(bytes('your turn'))
await channel.receive()
console.log(readFileSync(`/proc/self/fd/${file}`, 'utf8').trimEnd())
closeSync(file!)

// The child allows us none: it hangs up, and the kernel closes what was on the way.
await channel.sendDescriptors([0], bytes('take this'))
await exited
console.log(`here: ${(await channel.closed).error?.code}`)
await listener.close()
