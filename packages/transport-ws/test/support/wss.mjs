// `wss` as other processes import it: with a certificate for `localhost` and 127.0.0.1 that signs itself.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { wss } from '@strait/transport-ws'

const file = (name) => readFileSync(new URL(`../../../../examples/tcp/${name}`, import.meta.url))
export const cert = file('localhost.cert.pem')
export const key = file('localhost.key.pem')

export const transport = {
  ...wss,
  listen: (url, options) => wss.listen(url, { tls: { cert, key }, ...options }),
  connect: (url, options) => wss.connect(url, { tls: { ca: cert }, ...options }),
  privateAddress: () => new URL(`wss://127.0.0.1:0/${randomBytes(16).toString('hex')}`),
}
