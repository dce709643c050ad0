// Asks the HTTP server whose port is its argument, over one connection that is kept, one question at a time. Forked;
// told by messages what to write the durations down for, and for how long, in ms. `{}`: tell all there is so far, in ns.

import { Agent, get } from 'node:http'
import { Histogram } from '../../packages/bench/dist/index.js'

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const port = Number(process.argv[2])
const durations = new Map()

process.on('message', async ({ what, ms }) => {
  if (what === undefined) {
    const found = [...durations].map(([name, histogram]) => [
      name,
      { count: histogram.count, ...histogram.quantiles() },
    ])
    process.send(Object.fromEntries(found))
    return
  }
  if (!durations.has(what)) durations.set(what, new Histogram())
  const end = performance.now() + ms
  while (performance.now() < end) {
    const start = performance.now()
    await question()
    durations.get(what).record((performance.now() - start) * 1e6)
  }
  process.send('done')
})
process.send('ready')
process.on('disconnect', () => agent.destroy())

function question() {
  return new Promise((resolve, reject) => {
    get({ agent, port, host: '127.0.0.1' }, (response) => response.on('end', resolve).resume()).on(
      'error',
      reject,
    )
  })
}
