import { json, parentChannel, typed } from 'strait'

const [name] = process.argv.slice(2)
const parent = typed(await parentChannel(), json)
for (let count = 1; count <= 3; count++) {
  if (name === 'broken' && count === 3) process.kill(process.pid, 'SIGKILL')
  await parent.send(`${name} ${count}`)
}
await parent.close()
