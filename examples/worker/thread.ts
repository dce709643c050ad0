import type { WorkerChannel } from '@strait/transport-worker'
import { parentChannel } from 'strait'

const channel = (await parentChannel()) as WorkerChannel

if (process.argv[2] === 'invert') {
  for await (const picture of channel) {
    for (let at = 0; at < picture.length; at++) picture[at] = ~picture[at]! & 0xff
    await channel.send(picture, { transfer: true })
  }
} else {
  await channel.send(new TextEncoder().encode('computing for ever'))
  for (;;);
}
