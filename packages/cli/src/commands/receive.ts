import type { Command } from 'commander'
import { EXIT_CODES } from '../exit.js'
import { interruptible } from '../netcat/interrupt.js'
import { addTalkOptions, type TalkOptions } from '../netcat/options.js'
import { Output } from '../netcat/output.js'
import { closing, listenAloud, printAll } from '../netcat/talk.js'

export function addReceive(program: Command): void {
  addTalkOptions(program.command('receive').argument('<url>', 'address, such as unix:/tmp/a.sock'))
    .description('Wait for a peer and print its messages until it ends')
    .option('--binary', 'print the bytes of messages as they are')
    .addHelpText(
      'after',
      `
Examples:
  $ strait receive unix:/tmp/a.sock
  $ seq 1000 | strait send unix:/tmp/a.sock        # in another shell
  $ strait receive --binary tcp://127.0.0.1:7000 > copy.jpg
${EXIT_CODES}`,
    )
    .action(run)
}

function run(url: string, options: TalkOptions): Promise<void> {
  return interruptible(async (signal) => {
    const output = new Output(options.json ? 'json' : options.binary ? 'binary' : 'lines', signal)
    const listener = await listenAloud(url, options, output)
    try {
      const channel = await listener.accept({ signal })
      await listener.close()
      if (channel === undefined) return
      await output.event('open', {})
      await closing(channel, signal, () => printAll(channel, output))
      await output.event('end', {})
    } finally {
      await listener.close()
    }
  })
}
