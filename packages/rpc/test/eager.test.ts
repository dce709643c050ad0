import { mem } from '@strait/core'
import { createClient, serve } from '@strait/rpc'
import { expect, it } from 'vitest'

it('who has been answered calls again before the channel is waited for, which may keep the thread', async () => {
  const [near, far] = await mem.pair()
  const log: string[] = []
  const { receive, trySend } = near
  near.receive = async (options) => {
    log.push('wait')
    const message = await receive.call(near, options)
    log.push('arrived')
    return message
  }
  near.trySend = (message) => {
    log.push('send')
    return trySend.call(near, message)
  }
  const functions = { add: (a: number, b: number) => a + b }
  const server = serve(far, functions)
  const client = createClient<typeof functions>(near)
  for (let i = 0; i < 3; i++) {
    expect(await client.add(i, 1)).toBe(i + 1)
    log.push('answered')
  }
  const first = log.indexOf('arrived')
  expect(log.slice(first, first + 4)).toEqual(['arrived', 'answered', 'send', 'wait'])
  await near.close()
  await server.done
})
