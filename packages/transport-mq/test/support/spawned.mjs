import { parentChannel } from '@strait/core/node'
import { mq } from '@strait/transport-mq'

await parentChannel(async () => mq)
