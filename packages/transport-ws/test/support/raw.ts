import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** A frame of WebSocket, RFC 6455, written by hand. Masked as a client must, unless told otherwise. */
export function frame(
  opcode: number,
  payload: Uint8Array | string,
  { fin = true, mask = true, length = -1 } = {},
): Buffer {
  const data = Buffer.from(payload as string)
  const announced = length < 0 ? data.length : length
  const header = Buffer.alloc(announced < 126 ? 2 : announced < 65536 ? 4 : 10)
  header[0] = (fin ? 0x80 : 0) | opcode
  header[1] = (mask ? 0x80 : 0) | (announced < 126 ? announced : announced < 65536 ? 126 : 127)
  if (header.length === 4) header.writeUInt16BE(announced, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(announced), 2)
  if (!mask) return Buffer.concat([header, data])
  const key = randomBytes(4)
  return Buffer.concat([header, key, data.map((byte, index) => byte ^ key[index & 3]!)])
}

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10

/** A greeting without a key. */
export const HELLO = `HELLO ${Buffer.from('STRAIT\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00', 'latin1').toString('hex')}`

export const upgrade = (path: string, headers: Record<string, string> = {}) =>
  [
    `GET ${path} HTTP/1.1`,
    ...Object.entries({
      Host: 'here',
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n')

/** What somebody without a library sees of a server. */
export class Stranger {
  readonly socket: Socket
  /** Resolves when the server has hung up. */
  readonly gone: Promise<void>
  #received = Buffer.alloc(0)
  #waiting: (() => void) | undefined

  private constructor(url: URL) {
    this.socket = connect({ host: url.hostname, port: Number(url.port) })
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#waiting?.()
    })
    this.gone = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.#waiting?.()
        resolve()
      })
    })
  }

  /** Connects, and says no word. */
  static async come(url: URL): Promise<Stranger> {
    const stranger = new Stranger(url)
    await new Promise((resolve) => stranger.socket.once('connect', resolve))
    return stranger
  }

  /** Connects and is let in. */
  static async knock(url: URL, headers?: Record<string, string>): Promise<Stranger> {
    const stranger = await Stranger.come(url)
    stranger.write(upgrade(url.pathname, headers))
    await stranger.until('\r\n\r\n')
    return stranger
  }

  /** Connects, is let in and greets. */
  static async greet(url: URL): Promise<Stranger> {
    const stranger = await Stranger.knock(url)
    stranger.text(HELLO)
    return stranger
  }

  write(bytes: Buffer | string): void {
    this.socket.write(bytes)
  }

  text(text: string): void {
    this.write(frame(TEXT, text))
  }

  binary(size: number): void {
    this.write(frame(BINARY, new Uint8Array(size)))
  }

  get received(): string {
    return this.#received.toString('latin1')
  }

  /** Waits until the server has said this, or hung up. */
  async until(text: string): Promise<string> {
    while (!this.received.includes(text) && !this.socket.destroyed) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
    return this.received
  }
}
