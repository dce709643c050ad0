import { WebSocketPort } from './port.js'

/** What is used of the WebSocket of a page. */
export interface PageSocket {
  binaryType: string
  onopen: (() => void) | null
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null
  onclose: (() => void) | null
  send(data: string | Uint8Array): void
  close(code: number): void
}

/** What a page says when it hangs up without a clean end. Pages may use 1000 and those from 3000 on. */
const UNCLEAN = 4000

/**
 * The WebSocket of a page. What is sent is handed to the browser at once, which keeps it until the network takes it and
 * does not say when; how much that can be, the credits of the other end decide.
 */
export class PagePort extends WebSocketPort {
  /** Rejects when the WebSocket came to nothing. */
  readonly opened: Promise<void>
  readonly #webSocket: PageSocket

  constructor(webSocket: PageSocket, url: URL) {
    super(url)
    this.#webSocket = webSocket
    webSocket.binaryType = 'arraybuffer'
    webSocket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.text(data)
      else this.binary(new Uint8Array(data))
    }
    this.opened = new Promise((resolve, reject) => {
      webSocket.onopen = () => resolve()
      webSocket.onclose = () => {
        reject(new Error('closed'))
        this.gone()
      }
    })
    this.opened.catch(() => {})
  }

  protected transmit(data: Uint8Array | string): boolean {
    this.#webSocket.send(data)
    return true
  }

  protected hangUp(cleanly: boolean): void {
    this.#webSocket.close(cleanly ? 1000 : UNCLEAN)
  }

  ref(): void {}
  unref(): void {}
}
