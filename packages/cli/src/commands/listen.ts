import type { Command } from 'commander'
import { type Channel, StraitError } from 'strait'
import { EXIT_CODES } from '../exit.js'
import { Input } from '../netcat/input.js'
import { interruptible } from '../netcat/interrupt.js'
import { addTalkOptions, type TalkOptions } from '../netcat/options.js'
import { Output } from '../netcat/output.js'
import { closing, listenAloud, printAll, sendAll } from '../netcat/talk.js'
import { complain } from '../terminal.js'

interface ListenOptions extends TalkOptions {
  keep?: boolean
  end?: boolean
}

export function addListen(program: Command): void {
  addTalkOptions(program.command('listen').argument('<url>', 'address, such as unix:/tmp/a.sock'))
    .description('Wait for a peer; send it the lines of stdin, print its messages')
    .option('--keep', 'when a peer has ended, wait for the next')
    .option('--end', 'close the channel when stdin ends; what the peer says then is dropped')
    .option('--binary', 'send the chunks of stdin as they come, print the bytes of messages as they are')
    .addHelpText(
      'after',
      `
The conversation lasts until the peer ends it; the end of stdin does not end it.
Ctrl-C does, cleanly.

Examples:
  $ strait listen unix:/tmp/a.sock
  $ strait send unix:/tmp/a.sock hello             # in another shell
  $ strait listen --keep tcp://127.0.0.1:7000
  $ strait listen --binary --end unix:/tmp/a.sock < photo.jpg
${EXIT_CODES}`,
    )
    .action(run)
}

function run(url: string, options: ListenOptions): Promise<void> {
  return interruptible(async (signal) => {
    const output = new Output(options.json ? 'json' : options.binary ? 'binary' : 'lines', signal)
    const input = new Input(options.binary ? 'binary' : 'lines')
    const listener = await listenAloud(url, options, output)
    try {
      do {
        const channel = await listener.accept({ signal })
        if (channel === undefined) return
        if (!options.keep) await listener.close()
        await output.event('open', {})
        await converse(channel, input, output, options, signal).catch((error) => {
          if (!options.keep || signal.aborted || !StraitError.is(error)) throw error
          complain(error.message)
        })
        await output.event('end', {})
      } while (options.keep)
    } finally {
      input.close()
      await listener.close()
    }
  })
}

/** Both directions at once, until the peer ends or an interruption comes. */
function converse(
  channel: Channel,
  input: Input,
  output: Output,
  { end }: ListenOptions,
  signal: AbortSignal,
): Promise<void> {
  return closing(channel, signal, async () => {
    const sending = sendAll(input, channel).then(async (inputEnded) => {
      if (inputEnded && end) await channel.close()
    })
    await Promise.all([printAll(channel, output), sending])
  })
}
