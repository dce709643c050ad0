import { json, spawnPeer, typed } from 'strait'

const stage = new URL('./stage.js', import.meta.url)

// As `main | fib | sum` in a shell, but with messages instead of bytes, and with answers: each program starts the next
// one and inherits two pipes to it.
const fib = await spawnPeer('pipe:', stage, { args: ['fib', 'sum'] })
const chain = typed(fib.channel, json)
const [fibPid, parents] = (await chain.receive()) as [number, number[]]
console.log(`main started fib: ${parents[0] === process.pid}, fib started sum: ${parents[1] === fibPid}`)

for (const n of [10, 11, 12]) await chain.send(n)
for (const n of [10, 11, 12]) console.log(`the sum after fib(${n}): ${await chain.receive()}`)

// The end travels down the chain: each program reads everything, then closes towards the next one.
console.log(`closed: fib and sum ended with ${(await fib.close()).exitCode}`)

// A program in the middle is killed. Both neighbours find a pipe whose other end nobody has any more.
const again = await spawnPeer('pipe:', stage, { args: ['fib', 'sum'], stdio: ['ignore', 'pipe'] })
await again.channel.receive()
again.kill('SIGKILL')
console.log(`fib was killed: ${(await again.channel.closed).error?.code}`)

// Its standard output was inherited by sum too: that ends when the last of them is gone.
for await (const text of again.process!.stdout!.setEncoding('utf8')) console.log(`it says: ${text}`)
console.log('nobody is left')
