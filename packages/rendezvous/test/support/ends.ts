import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  BaseChannel,
  type BaseListener,
  type Capabilities,
  type ListenOptions,
  mem,
  packeted,
  type StraitError,
} from '@strait/core'
import { expect } from 'vitest'
import { connectControl, listenAt, type MeetOptions } from '../../src/index.js'

export const NOBODY = 65534
export const root = process.getuid?.() === 0

let count = 0

/** An address that nobody uses. */
export const fresh = (query = ''): URL => new URL(`fifo:test-${process.pid}-${count++}${query}`)

/** An error of this code, and in its line these words. */
export const failure = (code: string, words = '') =>
  expect.objectContaining({ code: `ERR_STRAIT_${code}`, message: expect.stringContaining(words) })

const capabilities: Capabilities = mem.capabilities

/** The smallest transport that meets at a rendezvous. */
export const listen = (url: URL, options: ListenOptions = {}): Promise<BaseListener<BaseChannel>> =>
  listenAt(url, options, async (packets, peer) => {
    const link = await packeted(packets, 'listen', url, options)
    return new BaseChannel(link, { url, capabilities, peer })
  })

export async function connect(url: URL, options: MeetOptions = {}): Promise<BaseChannel> {
  const { packets, peer } = connectControl(url, options)
  const link = await packeted(packets, 'connect', url, options)
  return new BaseChannel(link, { url, capabilities, peer })
}

/** Whom listeners turned away, and why. */
export class Refusals {
  readonly errors: StraitError[] = []
  readonly #waiting: (() => void)[] = []
  readonly #onRefused = (message: unknown) => {
    this.errors.push((message as { error: StraitError }).error)
    for (const look of this.#waiting.splice(0)) look()
  }

  constructor() {
    subscribe('strait:listener:refuse', this.#onRefused)
  }

  /** When there have been so many. */
  async count(least: number): Promise<void> {
    while (this.errors.length < least) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  get codes(): string[] {
    return this.errors.map(({ code }) => code)
  }

  stop(): void {
    unsubscribe('strait:listener:refuse', this.#onRefused)
  }
}
