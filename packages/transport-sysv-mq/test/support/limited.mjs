// Opens channels, with both ends here, until there is no room for another; says how many there were, and what each side
// was told. Then closes one, opens one more, closes all, and does it again. The arguments: a setting, its
// value, and how many channels are enough.
import { subscribe } from 'node:diagnostics_channel'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { sysvMq } from '@strait/transport-sysv-mq'

const [, , setting, value, most] = process.argv
writeFileSync(`/proc/sys/kernel/${setting}`, value)

const refusals = []
subscribe('strait:listener:refuse', ({ error }) => refusals.push(error))
const url = new URL('sysv-mq:limited')
const listener = await sysvMq.listen(url)

async function open() {
  const connected = await sysvMq.connect(url)
  return [connected, await listener.accept()]
}
const close = (ends) => Promise.all(ends.map((end) => end.close()))
const works = async ([near, far]) => {
  await near.send(Uint8Array.of(1))
  return (await far.receive()).length === 1
}

const channels = []
let failures = 0
async function openAll() {
  try {
    while (channels.length < Number(most)) channels.push(await open())
    return { code: 'none', message: '' }
  } catch (error) {
    failures++
    return error
  }
}
const told = await openAll()
const count = channels.length
while (refusals.length < failures) await setImmediate()
const stillWork = (await Promise.all(channels.map(works))).every((each) => each)
let another = false
if (count > 0) {
  await close(channels.pop())
  channels.push(await open())
  another = await works(channels.at(-1))
}
await Promise.all(channels.splice(0).map(close))
// What the refused one had begun does not take up room.
await openAll()
const again = channels.length
while (refusals.length < failures) await setImmediate()
await Promise.all(channels.map(close))
await listener.close()
console.log(
  JSON.stringify({
    count,
    told: [told.code, told.message],
    refusals: refusals.map(({ code, message }) => [code, message]),
    stillWork,
    another,
    again,
    records: readdirSync(process.env.XDG_RUNTIME_DIR),
    queues: readFileSync('/proc/sysvipc/msg', 'utf8').trimEnd().split('\n').length - 1,
  }),
)
