import { json, parentChannel, spawnPeer, typed } from 'strait'

const compute = (n: number): number => (n < 2 ? 1 : compute(n - 1) + compute(n - 2))

const [, , name, ...rest] = process.argv
const upstream = typed<unknown>(await parentChannel(), json)

if (name === 'fib') {
  const next = await spawnPeer('pipe:', new URL(import.meta.url), { args: rest })
  const downstream = typed<unknown>(next.channel, json)
  const parents = (await downstream.receive()) as number[]
  await upstream.send([process.pid, [process.ppid, ...parents]])
  for await (const n of upstream) {
    await downstream.send(compute(n as number))
    await upstream.send(await downstream.receive())
  }
  process.exitCode = (await next.close()).exitCode ?? 1
} else {
  await upstream.send([process.ppid])
  let sum = 0
  for await (const n of upstream) {
    sum += n as number
    await upstream.send(sum)
  }
}
