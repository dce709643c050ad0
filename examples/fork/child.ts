import { parentChannel } from 'strait'

if (process.argv[2] === 'plain') {
  process.on('message', () => {})
  process.send!('ready')
} else {
  const channel = await parentChannel()
  let received = 0
  for await (const message of channel) {
    if (message.length === 0) break
    received += message.length
  }
  const block = new Uint8Array(4096)
  let taken = 0
  // No turn of the event loop in between: what the parent reads meanwhile makes no room.
  while (channel.trySend(block)) taken++
  const size = (taken * block.length) / 1024
  await channel.send(
    new TextEncoder().encode(
      `child: received ${received / 1024} KiB; its own answer was full after ${size} KiB`,
    ),
  )
  await channel.close()
}
