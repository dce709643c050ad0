import { openSync } from 'node:fs'
import { SharedMemory } from '@strait/posix'
import { json, parentChannel, typed } from 'strait'
import { canvasIn, sizeOf } from './canvas.js'
import type { Job, Place } from './crew.js'
import { STEPS } from './filter.js'

const parent = typed<'done', Place | Job>(await parentChannel(), json)
const place = (await parent.receive()) as Place

// Of memory that is not sealed, somebody could take a part away while we write to it.
const memory = SharedMemory.fromDescriptor(openSync(place.memory, 'r+'), {
  size: sizeOf(place.width, place.height),
  seals: ['shrink'],
})
const canvas = canvasIn(memory, place.width, place.height)
await parent.send('done')

for await (const job of parent) {
  const { step, band } = job as Job
  STEPS[step](canvas, band)
  await parent.send('done')
}
memory.close()
