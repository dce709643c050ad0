import { constants } from 'node:fs'
import {
  BlockingChannel,
  type Capabilities,
  type ChannelOptions,
  checkOptions,
  DEFAULT_MAX_MESSAGE_SIZE,
  framed,
  type Role,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { check, type Meanings, native } from '@strait/posix'
import { DescriptorBytes } from '@strait/rendezvous'

const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'framed',
  detectsPeerDeath: true,
  survivesSenderDeath: true,
  deliversAfterPeerDeath: true,
  peerCredentials: false,
  private: true,
  persistent: false,
  sync: true,
  threads: true,
  scope: 'family',
}

const system = native('load')

/** Two pipes, one for each direction, both ends of each; none blocks, and no child has one that is not given it. */
interface Pipes {
  readonly near: Ends
  readonly far: Ends
}

interface Ends {
  readonly reader: number
  readonly writer: number
}

const OPENING: Meanings = {
  ENFILE: [
    'NO_RESOURCES',
    'the system has too many files open, or this user too much memory in pipes; `sysctl fs.file-max fs.pipe-user-pages-hard` shows and raises the limits',
  ],
}

function openPipes(operation: string): Pipes {
  const there = new Int32Array(2)
  const back = new Int32Array(2)
  check(system.pipe(constants.O_NONBLOCK, there), operation, 'pipe:', OPENING)
  const result = system.pipe(constants.O_NONBLOCK, back)
  if (result < 0) for (const descriptor of there) system.close(descriptor)
  check(result, operation, 'pipe:', OPENING)
  return {
    near: { reader: back[0]!, writer: there[1]! },
    far: { reader: there[0]!, writer: back[1]! },
  }
}

function closeEnds({ reader, writer }: Ends): void {
  system.close(reader)
  system.close(writer)
}

/** `pipe:`: two anonymous pipes, which a spawned peer inherits; pipe(7). */
export const pipe = {
  schemes: ['pipe'],
  capabilities,

  async pair(options: ChannelOptions = {}): Promise<[BlockingChannel, BlockingChannel]> {
    checkOptions(options)
    const url = new URL('pipe:')
    const { near, far } = openPipes('pair')
    return Promise.all([join(near, 'listen', url, options), join(far, 'connect', url, options)])
  },

  inherit: {
    open() {
      const { near, far } = openPipes('spawn')
      return {
        stdio: [far.reader, far.writer],
        parent(_child, _descriptors, url, options) {
          // The child has its own by now. With these open here, its death would be no end of file.
          closeEnds(far)
          return join(near, 'listen', url, options)
        },
        release() {
          closeEnds(near)
          closeEnds(far)
        },
      }
    },

    child([reader, writer], url, options) {
      for (const descriptor of [reader!, writer!]) {
        system.own(descriptor)
        // A grandchild that had them too would hide this process's death from its parent.
        check(system.closeOnExec(descriptor), 'parentChannel', url.href)
      }
      return join({ reader: reader!, writer: writer! }, 'connect', url, options)
    },
  },
} satisfies PeerTransport

async function join({ reader, writer }: Ends, role: Role, url: URL, options: ChannelOptions) {
  const link = await framed(new DescriptorBytes(reader, writer, url), role, url, options)
  return new BlockingChannel(link, { url, capabilities })
}
