// Told `listen <url> [mode]`, `connect <url> [owner]` or `become <id>`, says `ok` or the code of the error.
import { createInterface } from 'node:readline'
import { unix } from '@strait/transport-unix'

const commands = {
  async listen(url, mode) {
    const listener = await unix.listen(new URL(url), mode === undefined ? {} : { mode: Number(mode) })
    void (async () => {
      for await (const channel of listener) void echo(channel)
    })()
  },
  async connect(url, owner) {
    const channel = await unix.connect(new URL(url), owner === undefined ? {} : { owner: Number(owner) })
    await channel.close()
  },
  become(id) {
    process.setgroups([])
    process.setgid(Number(id))
    process.setuid(Number(id))
  },
}

async function echo(channel) {
  try {
    for await (const message of channel) await channel.send(message)
    await channel.close()
  } catch {
    // The peer went away.
  }
}

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split(' ')
  try {
    await commands[command](...args)
    console.log('ok')
  } catch (error) {
    console.log(error.code ?? String(error))
  }
}
process.exit()
