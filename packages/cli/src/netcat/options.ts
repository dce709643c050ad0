import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { ChannelOptions } from 'strait'
import { UsageError } from '../exit.js'

/** What the verbs that talk have in common. */
export interface TalkOptions {
  keyFile?: string
  binary?: boolean
  json?: boolean
}

/** Adds the options that every verb that talks has. */
export function addTalkOptions(command: Command): Command {
  return command
    .option('--key-file <file>', 'the shared secret; a line break at its end does not count')
    .option('--json', 'print one JSON object a line: what happens, and the messages')
}

/** The channel's options; the key comes from a file, because everybody sees a command line. */
export function channelOptions({ keyFile }: TalkOptions): ChannelOptions {
  if (keyFile === undefined) return {}
  let key: Uint8Array
  try {
    key = readFileSync(keyFile)
  } catch (error) {
    throw new UsageError(`--key-file: ${(error as Error).message}`)
  }
  const length = key.at(-1) === 0x0a ? key.length - 1 : key.length
  if (length === 0) throw new UsageError(`--key-file: ${keyFile} is empty`)
  return { key: new Uint8Array(key.subarray(0, length)) }
}
