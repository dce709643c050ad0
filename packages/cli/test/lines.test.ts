import { describe, expect, it } from 'vitest'
import { lines } from '../dist/netcat/input.js'

async function split(...chunks: string[]): Promise<string[]> {
  const source = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk)
  })()
  const found: string[] = []
  for await (const line of lines(source, 8)) found.push(Buffer.from(line).toString())
  return found
}

describe('the lines of stdin', () => {
  it('are found wherever the chunks are cut', async () => {
    expect(await split('a\nbc\n', 'd', 'e', 'f\n\ng')).toEqual(['a', 'bc', 'def', '', 'g'])
  })

  it('are none in nothing, and one empty one in a line feed', async () => {
    expect(await split()).toEqual([])
    expect(await split('\n')).toEqual([''])
  })

  it('may be as long as the limit and no longer', async () => {
    expect(await split('1234', '5678\n')).toEqual(['12345678'])
    await expect(split('1234', '5678', '9')).rejects.toThrow('a line has more than 8 bytes')
  })
})
