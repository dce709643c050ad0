import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seqpacket } from '@strait/transport-seqpacket'

const bytes = (message: string) => new TextEncoder().encode(message)

const directory = mkdtempSync(join(tmpdir(), 'strait-example-'))
const file = openSync(join(directory, 'notes'), 'w+')
rmSync(directory, { recursive: true })
writeSync(file, 'a line of the child\n')

const channel = await seqpacket.connect(new URL(process.argv[2]!))
await channel.sendDescriptors([file], bytes('a file without a name'))
await channel.receive()
writeSync(file, 'another of the child\n')
await channel.send(bytes('done'))

const { error } = await channel.closed
console.log(`a descriptor for the child: ${error?.code}`)
