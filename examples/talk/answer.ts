import { json, listen, typed } from 'strait'

const listener = await listen(process.argv[2] ?? 'unix:/tmp/strait-talk.sock')
console.log(`listening at ${listener.url}`)
for await (const channel of listener) {
  const questions = typed(channel, json)
  for await (const { a, b } of questions) await questions.send({ answer: a + b })
  await listener.close()
}
