import type { Command } from 'commander'
import { type Channel, StraitError } from 'strait'
import { EXIT_CODES } from '../exit.js'
import { interruptible } from '../netcat/interrupt.js'
import { addTalkOptions, type TalkOptions } from '../netcat/options.js'
import { Output } from '../netcat/output.js'
import { closing, listenAloud } from '../netcat/talk.js'
import { complain } from '../terminal.js'

export function addEcho(program: Command): void {
  addTalkOptions(program.command('echo').argument('<url>', 'address, such as unix:/tmp/a.sock'))
    .description('Send every message back, to many peers at once, until Ctrl-C')
    .addHelpText(
      'after',
      `
Examples:
  $ strait echo unix:/tmp/a.sock
  $ strait send --reply unix:/tmp/a.sock hello     # in another shell
  $ strait echo --key-file secret tcp://0.0.0.0:7000
${EXIT_CODES}`,
    )
    .action(run)
}

function run(url: string, options: TalkOptions): Promise<void> {
  return interruptible(async (signal) => {
    const output = new Output(options.json ? 'json' : 'lines', signal)
    const listener = await listenAloud(url, options, output)
    const conversations = new Set<Promise<void>>()
    const interrupted = () => void listener.close()
    signal.addEventListener('abort', interrupted, { once: true })
    for await (const channel of listener) {
      const conversation = closing(channel, signal, () => echo(channel, output)).catch((error) => {
        // One peer's trouble is not the others'.
        if (signal.aborted) return
        if (!StraitError.is(error)) throw error
        complain(error.message)
      })
      conversations.add(conversation)
      void conversation.finally(() => conversations.delete(conversation))
    }
    await Promise.all(conversations)
  })
}

/** One message at a time: a peer that does not read its answers is not read from either. */
async function echo(channel: Channel, output: Output): Promise<void> {
  let messages = 0
  await output.event('open', {})
  for await (const message of channel) {
    await channel.send(message)
    messages++
  }
  await output.event('end', { messages })
}
