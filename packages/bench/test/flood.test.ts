import { describe, expect, it } from 'vitest'
import { type FloodLane, flood, windowOf } from '../dist/flood.js'
import { Responder } from '../dist/payload.js'

interface Fake extends FloodLane {
  /** The most questions that were under way at once. */
  readonly most: number
  readonly asked: number
}

/** A peer in this thread whose answers come in the turns that follow. `damage` changes an answer. */
function fake(payloadBytes: number, damage: (answer: Uint8Array, count: number) => void = () => {}): Fake {
  const responder = new Responder(() => false)
  const answers: Uint8Array[] = []
  let arrived = () => {}
  let [most, asked] = [0, 0]
  return {
    name: 'fake:',
    payloadBytes,
    get most() {
      return most
    },
    get asked() {
      return asked
    },
    send(message) {
      const answer = responder.answer(message)!
      damage(answer, ++asked)
      most = Math.max(most, answers.push(answer))
      arrived()
      return asked % 3 === 0 ? Promise.resolve() : undefined
    },
    receive: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      if (answers.length === 0) await new Promise<void>((resolve) => (arrived = resolve))
      return answers.shift()
    },
  }
}

describe('a flood', () => {
  it.each([0, 1, 1024, 30_000, 1_000_000])(
    'has a window of %d bytes under way, and no more',
    async (size) => {
      const lane = fake(size)
      let answers = 0
      const ending: FloodLane = {
        ...lane,
        async receive() {
          const answer = await lane.receive()
          return ++answers === 200 ? undefined : answer
        },
      }
      await expect(flood([ending], 3_600_000)).rejects.toThrow('the peer has closed the channel')
      expect(lane.most).toBe(windowOf(size))
    },
  )

  it('lasts as long as it shall, and counts what was answered', async () => {
    const lane = fake(64)
    const { messages, ns, shares } = await flood([lane], 20)
    expect(messages).toBe(lane.asked)
    expect(shares).toEqual([messages])
    expect(ns).toBeGreaterThan(20e6)
  })

  it('has 64 messages or 64 KiB under way, and two at least', () => {
    expect([0, 64, 1024, 1025, 32_768, 65_536, 1_048_576].map(windowOf)).toEqual([64, 64, 64, 63, 2, 2, 2])
  })

  it('goes over all lanes at once, and counts what each had', async () => {
    const lanes = [fake(64), fake(64), fake(64)]
    const { messages, shares } = await flood(lanes, 5)
    expect(shares).toEqual(lanes.map(({ asked }) => asked))
    expect(messages).toBe(shares.reduce((a, b) => a + b))
  })

  it('asks once at least', async () => {
    expect((await flood([fake(64)], 0)).messages).toBe(1)
  })

  it('fails when an answer is damaged, lost or to another question', async () => {
    const damaged = fake(100, (answer, count) => {
      if (count === 70) answer[99]! ^= 1
    })
    await expect(flood([damaged], 3_600_000)).rejects.toThrow('fake:: a payload of 100 bytes was damaged')
    const swapped = fake(100, (answer, count) => {
      if (count === 70) answer.fill(71)
    })
    await expect(flood([fake(100), swapped], 3_600_000)).rejects.toThrow('an answer to another question')
    const ended: FloodLane = { ...fake(1), receive: async () => undefined }
    await expect(flood([ended], 3_600_000)).rejects.toThrow('the peer has closed the channel')
  })

  it('fails when a message cannot be sent', async () => {
    const full: FloodLane = { ...fake(1), send: () => Promise.reject(new Error('no room')) }
    await expect(flood([full], 3_600_000)).rejects.toThrow('fake:: no room')
  })
})
