import { describe, expect, it } from 'vitest'
import { Responder, readAnswer, readPayload, writePayload, writeQuestion } from '../dist/payload.js'

const question = (size: number, count = 1) => {
  const payload = new Uint8Array(size)
  writeQuestion(payload, count)
  return payload
}
const statement = (size: number, count = 1) => {
  const payload = new Uint8Array(size)
  writePayload(payload, count)
  return payload
}
const EMPTY = new Uint8Array(0)

describe('a payload', () => {
  it('is noticed when a cache line of it is not as it was written, or some of it is missing', () => {
    const payload = statement(200, 5)
    for (const at of [0, 64, 128, 192, 199]) {
      const damaged = payload.slice()
      damaged[at] = 6
      expect(() => readPayload(damaged, 200)).toThrow('damaged')
    }
    expect(() => readPayload(payload.subarray(1), 200)).toThrow('damaged')
    expect(() => readPayload(new Uint8Array(201).fill(5), 200)).toThrow('damaged')
  })
})

describe('a responder', () => {
  it('answers a question with its count, in as many bytes, and nothing else', () => {
    const responder = new Responder()
    readAnswer(responder.answer(question(100, 130)), 100, 130)
    expect(responder.answer(statement(100, 131))).toBeUndefined()
    readAnswer(responder.answer(question(1, 132)), 1, 132)
  })

  it('answers empty messages at first, and not between a statement and the next question', () => {
    const responder = new Responder()
    expect(responder.answer(EMPTY)).toHaveLength(0)
    responder.answer(statement(1))
    expect(responder.answer(EMPTY)).toBeUndefined()
    expect(responder.answer(EMPTY)).toBeUndefined()
    responder.answer(question(1))
    expect(responder.answer(EMPTY)).toHaveLength(0)
  })

  it('makes each answer anew where it shall', () => {
    const [reusing, fresh] = [new Responder(), new Responder(() => false)]
    expect(reusing.answer(question(9))).toBe(reusing.answer(question(9)))
    expect(fresh.answer(question(9))).not.toBe(fresh.answer(question(9)))
  })
})

describe('an answer', () => {
  it('is refused when it is to another question, of another size, or not there', () => {
    const answer = new Responder().answer(question(9, 7))!
    expect(() => readAnswer(answer, 9, 7)).not.toThrow()
    expect(() => readAnswer(answer, 9, 8)).toThrow('another question')
    expect(() => readAnswer(answer, 8, 7)).toThrow('damaged')
    expect(() => readAnswer(answer, 0, 7)).toThrow('damaged')
    expect(() => readAnswer(EMPTY, 9, 7)).toThrow('damaged')
    expect(() => readAnswer(EMPTY, 0, 7)).not.toThrow()
    expect(() => readAnswer(undefined, 0, 7)).toThrow('closed')
  })
})
