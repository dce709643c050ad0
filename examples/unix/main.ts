import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unix } from '@strait/transport-unix'
import { connect, listen, spawnPeer } from 'strait'

const directory = mkdtempSync(join(tmpdir(), 'strait-example-'))
const path = join(directory, 'app.sock')
const url = new URL(`unix:${path}`)
const mode = () => (statSync(path).mode & 0o777).toString(8)
const refusal = (error: Error & { code?: string }) =>
  `${error.code}: ${error.message.replaceAll(directory, '')}`

// The name appears together with its mode: there is no moment at which a stranger could connect.
const listener = await listen(url)
console.log(`listening, mode ${mode()}`)
console.log(await listen(url).catch(refusal))
await listener.close()
console.log(`closed, the name is ${existsSync(path) ? 'still there' : 'gone'}`)

const forGroup = await unix.listen(url, { mode: 0o660 })
console.log(`listening, mode ${mode()}`)
await forGroup.close()

// A killed listener cannot tidy up. Whoever listens next finds its name dead and takes it.
const peer = await spawnPeer('unix:', new URL('./listener.js', import.meta.url), { args: [url.href] })
await peer.channel.receive()
peer.kill('SIGKILL')
await peer.exited
console.log(`the listener was killed, the name is ${existsSync(path) ? 'still there' : 'gone'}`)
console.log(await connect(url).catch(refusal))
const heir = await listen(url)
const [ours, theirs] = await Promise.all([connect(url), heir.accept()])
console.log('the next listener has taken it and accepts')
await Promise.all([ours.close(), theirs!.close()])
await heir.close()

// What is not a dead socket of ours stays as it is.
writeFileSync(path, 'precious')
console.log(await listen(url).catch(refusal))
rmSync(path)
symlinkSync('/somewhere/else', path)
console.log(await connect(url).catch(refusal))

rmSync(directory, { recursive: true })
