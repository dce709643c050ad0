import { AsyncLocalStorage } from 'node:async_hooks'
import { Socket } from 'node:net'
import { workerData } from 'node:worker_threads'
import { schemeOf } from '../address.js'
import type { BaseChannel } from '../base-channel.js'
import type { ChannelOptions } from '../channel.js'
import { StraitError } from '../error.js'
import {
  type Invitation,
  PARENT_VARIABLE,
  type PeerTransport,
  type ThreadInvitation,
} from './peer-transport.js'

/** The end of an in-process peer, for the code that runs as that peer. */
const inProcess = new AsyncLocalStorage<BaseChannel>()

/** Runs code whose `parentChannel()` is this channel. */
export function runAsPeer<T>(channel: BaseChannel, run: () => T): T {
  return inProcess.run(channel, run)
}

let joining: Promise<BaseChannel> | undefined

/**
 * The channel to the program that started this one with `spawnPeer`. Always the same one. When that program dies, this
 * one ends with exit code 1.
 *
 * - Errors: `NOT_SUPPORTED` this program was not started by `spawnPeer`; those of `connect`.
 */
export function parentChannel(
  load: (scheme: string) => Promise<PeerTransport>,
  options: ChannelOptions = {},
): Promise<BaseChannel> {
  const here = inProcess.getStore()
  if (here !== undefined) return Promise.resolve(here)
  joining ??= join(load, options)
  return joining
}

async function join(
  load: (scheme: string) => Promise<PeerTransport>,
  options: ChannelOptions,
): Promise<BaseChannel> {
  const invited: ThreadInvitation | undefined = workerData?.[PARENT_VARIABLE]
  if (invited !== undefined) {
    const url = new URL(invited.url)
    const transport = await load(schemeOf(url, 'parentChannel'))
    return transport.thread!.join(invited.port, 'connect', url, {
      ...withoutUndefined(invited.options),
      ...options,
    })
  }
  const descriptor = process.env[PARENT_VARIABLE]
  if (descriptor === undefined) {
    throw new StraitError('NOT_SUPPORTED', 'this program was not started by spawnPeer', {
      operation: 'parentChannel',
    })
  }
  delete process.env[PARENT_VARIABLE]
  const lifeline = new Socket({ fd: Number(descriptor), readable: true, writable: false })
  const invitation = await readInvitation(lifeline)
  const url = new URL(invitation.url)
  const transport = await load(schemeOf(url, 'parentChannel'))
  const channelOptions = {
    ...withoutUndefined(invitation.options),
    ...options,
    key: new Uint8Array(Buffer.from(invitation.key, 'base64')),
  }
  if (transport.inherit !== undefined)
    return transport.inherit.child(invitation.descriptors, url, channelOptions)
  return transport.connect!(url, channelOptions)
}

function withoutUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>
}

/** Reads the invitation. Afterwards the lifeline has only its end to tell: then this process ends too. */
function readInvitation(lifeline: Socket): Promise<Invitation> {
  return new Promise((resolve) => {
    let text = ''
    lifeline.setEncoding('utf8')
    lifeline.on('error', () => {})
    lifeline.once('close', () => process.exit(1))
    lifeline.once('end', () => process.exit(1))
    lifeline.on('data', (piece: string) => {
      text += piece
      const end = text.indexOf('\n')
      if (end < 0) return
      lifeline.unref()
      resolve(JSON.parse(text.slice(0, end)))
    })
  })
}
