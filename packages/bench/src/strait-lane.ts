import type { Channel } from '@strait/core'
import { type SpawnedPeer, spawnPeer } from 'strait'
import type { Lane } from './lane.js'
import { isQuestion, readPayload, writePayload } from './payload.js'
import { ownTid } from './placement.js'

/** A lane over one of our transports, to a process of its own. */
export async function straitLane(url: string, payloadBytes: number): Promise<Lane> {
  const entry = new URL('./strait-peer.js', import.meta.url)
  const peer = await spawnPeer(url, entry, { maxMessageSize: Math.max(payloadBytes, TID_BYTES) })
  const tid = new TextDecoder().decode(await peer.channel.receive())
  return { ...peerLane(peer, payloadBytes), tid: Number(tid) }
}

/** The digits of a thread's number: what a peer says first. */
const TID_BYTES = 10

export const sayTid = (channel: Channel) => channel.send(new TextEncoder().encode(String(ownTid())))

/** A lane to a peer that calls {@link answerQuestions}. */
export function peerLane(peer: SpawnedPeer, payloadBytes: number): Lane {
  const { channel } = peer
  return {
    name: channel.url.protocol,
    payloadBytes,
    pid: peer.process?.pid,
    async ask(message) {
      await channel.send(message)
      const answer = await channel.receive()
      if (answer === undefined) throw new Error(`${channel.url.protocol} the peer has closed the channel`)
      return answer
    },
    send: (message) => (channel.trySend(message) ? undefined : channel.send(message)),
    async close() {
      await peer.close()
    },
  }
}

/** The other side of a lane: reads every message and answers questions, until an empty message or the end. */
export async function answerQuestions(channel: Channel): Promise<void> {
  let answer = new Uint8Array(0)
  let message = await channel.receive()
  while (message !== undefined && message.length > 0) {
    const byte = readPayload(message, message.length)
    if (isQuestion(byte)) {
      if (answer.length !== message.length) answer = new Uint8Array(message.length)
      writePayload(answer, byte)
      await channel.send(answer)
    }
    message = channel.tryReceive() ?? (await channel.receive())
  }
}
