import { describe, expect, it } from 'vitest'
import { isQuestion, readPayload, writePayload, writeQuestion } from '../dist/payload.js'

describe('a payload', () => {
  it('tells a question from what wants no answer, and counts', () => {
    const payload = new Uint8Array(100)
    writeQuestion(payload, 130)
    const question = readPayload(payload, 100)
    writePayload(payload, 130)
    const statement = readPayload(payload, 100)
    expect([isQuestion(question), isQuestion(statement)]).toEqual([true, false])
    expect([question & 0x7f, statement]).toEqual([2, 2])
  })

  it('is noticed when a cache line of it is not as it was written, or some of it is missing', () => {
    const payload = new Uint8Array(200)
    writePayload(payload, 5)
    for (const at of [0, 64, 128, 192, 199]) {
      const damaged = payload.slice()
      damaged[at] = 6
      expect(() => readPayload(damaged, 200)).toThrow('damaged')
    }
    expect(() => readPayload(payload.subarray(1), 200)).toThrow('damaged')
    expect(() => readPayload(new Uint8Array(201).fill(5), 200)).toThrow('damaged')
  })
})
