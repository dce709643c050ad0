import type { Serializable } from 'node:child_process'
import { asBuffer } from './buffers.js'

interface Form {
  toValue(message: Uint8Array): Serializable
  fromValue(value: Serializable): Uint8Array
}

/** How bytes are sent through the channel of `child_process`. */
export const serializations = {
  /** It keeps binary data binary. */
  advanced: {
    toValue: (message) => message,
    fromValue: (value) => value as Uint8Array,
  },
  /** As a string in base64, for JSON makes an array of numbers of a buffer, which is longer and slower. */
  json: {
    toValue: (message) => asBuffer(message).toString('base64'),
    fromValue: (value) => Buffer.from(value as string, 'base64'),
  },
} satisfies Record<string, Form>
