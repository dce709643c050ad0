import { Kind } from '@strait/core'

/**
 * A unit that is no message, as text: the name of its kind and, where there is a payload, a blank and the payload in
 * small hexadecimal digits.
 *
 * ```text
 *  HELLO 535452414954…      CREDIT 00000100      END      PING      PONG
 * ```
 */
export interface Unit {
  readonly kind: number
  readonly payload: Uint8Array
}

/** In characters: a whole greeting in one piece. */
export const LONGEST_UNIT = 'HELLO '.length + 2 * 1024

const NO_KIND = 255

const TEXT = /^(END|PING|PONG|CREDIT|HELLO)(?: ((?:[0-9a-f]{2})+))?$/

const NAMES = Object.fromEntries(Object.entries(Kind).map(([name, kind]) => [kind, name]))

export function unitText(kind: Kind, payload: Uint8Array): string {
  if (payload.length === 0) return NAMES[kind]!
  let text = `${NAMES[kind]} `
  for (const byte of payload) text += byte.toString(16).padStart(2, '0')
  return text
}

/** The unit. Text that is none becomes one of a kind that there is not, so that whoever judges units judges it too. */
export function parseUnit(text: string): Unit {
  const [, name, digits = ''] = (text.length <= LONGEST_UNIT && TEXT.exec(text)) || []
  if (name === undefined) return { kind: NO_KIND, payload: new Uint8Array(0) }
  const payload = new Uint8Array(digits.length / 2)
  for (let i = 0; i < payload.length; i++) payload[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return { kind: Kind[name as keyof typeof Kind], payload }
}
