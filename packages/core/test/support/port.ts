import type { ChannelOptions } from '../../src/channel.js'
import { credited, NO_PORT_EVENTS, type Port, type PortEvents } from '../../src/credit.js'
import { Kind } from '../../src/frame.js'
import type { Link } from '../../src/link.js'
import { preface, url } from './bytes.js'

/** A port whose every move the test makes. */
export class ScriptedPort implements Port {
  events: PortEvents = NO_PORT_EVENTS
  readonly posted: { kind: number; payload: Uint8Array }[] = []
  destroyed = 0
  readonly #leaving: (() => void)[] = []

  post(kind: Kind, payload: Uint8Array, _lent: boolean, left: () => void): boolean {
    this.posted.push({ kind, payload: payload.slice() })
    this.#leaving.push(left)
    return false
  }

  /** Everything posted has left. */
  left(): void {
    for (const left of this.#leaving.splice(0)) left()
  }

  /** What was posted of this kind. */
  of(kind: Kind): Uint8Array[] {
    return this.posted.filter((unit) => unit.kind === kind).map(({ payload }) => payload)
  }

  destroy(): void {
    this.destroyed++
  }

  ref(): void {}
  unref(): void {}
}

export async function creditedLink(
  options: ChannelOptions = {},
): Promise<{ port: ScriptedPort; link: Link }> {
  const port = new ScriptedPort()
  const linking = credited(port, 'listen', url, options)
  port.events.unit(Kind.HELLO, preface())
  const link = await linking
  port.left()
  port.posted.length = 0
  return { port, link }
}
