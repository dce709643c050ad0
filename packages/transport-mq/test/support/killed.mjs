// Listens at the URL of its first argument, and is killed when its first queue for a channel has its name.
import { native } from '@strait/posix'
import { mq } from '@strait/transport-mq'

const listener = await mq.listen(new URL(process.argv[2]))
native().mqUnlink = () => process.kill(process.pid, 'SIGKILL')
console.log('listening')
await listener.accept()
