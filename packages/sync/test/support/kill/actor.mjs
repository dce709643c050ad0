// A process that does what it is told: each message brings a function as text, and what it takes beside its world.
import { world } from './world.mjs'

process.on('message', async ({ id, source, args }) => {
  try {
    // It is the test that sends it.
    const work = new Function(`return ${source}`)()
    process.send({ id, value: await work(world, ...args) })
  } catch (error) {
    process.send({ id, code: error.code, error: error.stack })
  }
})
process.once('disconnect', () => process.exit())
process.send({ id: 0 })
