import { readFileSync } from 'node:fs'
import { tcp } from '@strait/transport-tcp'

const file = (name: string) => readFileSync(new URL(`../../tcp/${name}`, import.meta.url))
const refusal = (error: Error & { code?: string; cause?: { code?: string } }) =>
  `${error.code}, the cause is ${error.cause?.code}`

// A certificate for `localhost` that signs itself, for this example only: its key is in the repository.
const cert = file('localhost.cert.pem')
const listener = await tcp.listen(new URL('tcp://127.0.0.1:0'), {
  key: 'whoever knows this may connect',
  tls: { cert, key: file('localhost.key.pem') },
})

console.log(await tcp.connect(listener.url, { tls: { servername: 'localhost' } }).catch(refusal))

const connecting = tcp.connect(listener.url, {
  key: 'whoever knows this may connect',
  tls: { ca: cert, servername: 'localhost' },
})
const [ours, theirs] = await Promise.all([connecting, listener.accept()])
await ours.send(new TextEncoder().encode('hello, and nobody on the way can read it'))
console.log(new TextDecoder().decode(await theirs!.receive()))

await Promise.all([ours.close(), theirs!.close()])
await listener.close()
