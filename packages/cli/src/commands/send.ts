import type { Command } from 'commander'
import { type Channel, connect, StraitError } from 'strait'
import { checkReachable } from '../address.js'
import { EXIT_CODES, Failure } from '../exit.js'
import { Input } from '../netcat/input.js'
import { interruptible } from '../netcat/interrupt.js'
import { addTalkOptions, channelOptions, type TalkOptions } from '../netcat/options.js'
import { Output } from '../netcat/output.js'
import { closing } from '../netcat/talk.js'

interface SendOptions extends TalkOptions {
  reply?: boolean
}

export function addSend(program: Command): void {
  addTalkOptions(
    program
      .command('send')
      .argument('<url>', 'address, such as unix:/tmp/a.sock')
      .argument('[message...]', 'messages; without any, the lines of stdin'),
  )
    .description('Connect, send messages, close')
    .option('--reply', 'wait for an answer to each message and print it; otherwise answers are dropped')
    .option('--binary', 'send the chunks of stdin as they come, print the bytes of answers as they are')
    .addHelpText(
      'after',
      `
Examples:
  $ strait send unix:/tmp/a.sock hello 'and good-bye'
  $ seq 1000 | strait send unix:/tmp/a.sock
  $ strait send --reply unix:/tmp/a.sock hello     # to strait echo
  $ strait send --binary tcp://127.0.0.1:7000 < photo.jpg
${EXIT_CODES}`,
    )
    .action(run)
}

function run(url: string, words: readonly string[], options: SendOptions): Promise<void> {
  return interruptible(async (signal) => {
    const output = new Output(options.json ? 'json' : options.binary ? 'binary' : 'lines', signal)
    await checkReachable(url, 'connect')
    const channel = await connect(url, { ...channelOptions(options), signal })
    await closing(channel, signal, async () => {
      const dropping = options.reply ? undefined : drop(channel)
      let messages = 0
      let bytes = 0
      for await (const message of words.length > 0 ? words.map(encode) : stdin(channel, options)) {
        await channel.send(message)
        messages++
        bytes += message.length
        if (options.reply) await output.message(await answer(channel))
      }
      await channel.close()
      await dropping
      const { error } = await channel.closed
      if (error !== undefined) throw error
      await output.event('sent', { messages, bytes })
    })
  })
}

function encode(word: string): Uint8Array {
  return new TextEncoder().encode(word)
}

/** The messages of stdin. Throws when the peer ends first. */
async function* stdin(channel: Channel, { binary }: SendOptions): AsyncGenerator<Uint8Array> {
  const input = new Input(binary ? 'binary' : 'lines')
  void channel.closed.then(() => input.interrupt())
  try {
    for (;;) {
      const message = await input.peek()
      if (message === 'end') return
      if (message === 'interrupted') {
        const { error } = await channel.closed
        throw error ?? new Failure(`send ${channel.url}: the peer has closed the channel`)
      }
      input.take()
      yield message
    }
  } finally {
    input.close()
  }
}

/** Reads what nobody wants, so that a peer that talks back does not wait for ever. */
async function drop(channel: Channel): Promise<void> {
  try {
    for await (const _ of channel);
  } catch (error) {
    // Sending reports it.
    if (!StraitError.is(error)) throw error
  }
}

async function answer(channel: Channel): Promise<Uint8Array> {
  const message = await channel.receive()
  if (message === undefined) throw new Failure(`${channel.url}: the peer ended before it answered`)
  return message
}
