import { constants, fstatSync } from 'node:fs'
import {
  BaseChannel,
  type BaseListener,
  type Capabilities,
  type ChannelOptions,
  frames,
  greetInPackets,
  type ListenOptions,
  mem,
  StraitError,
} from '@strait/core'
import { check, native } from '@strait/posix'
import {
  confirmObjects,
  connectControl,
  DescriptorBytes,
  listenAt,
  passObjects,
  receiveObjects,
} from '../../src/index.js'

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const system = native()
const capabilities: Capabilities = { ...mem.capabilities, boundaries: 'framed', scope: 'host' }

/** Two pipes for each channel, handed over to whoever connects. */
export const minimal = {
  schemes: ['minimal'],
  capabilities,

  listen(url: URL, options: ListenOptions = {}): Promise<BaseListener<BaseChannel>> {
    return listenAt(url, options, async (control, peer) => {
      const agreement = await greetInPackets(control, 'listen', url, options)
      const [there, back] = [openPipe(url), openPipe(url)]
      const bytes = new DescriptorBytes(back.reader, there.writer, url)
      try {
        const objects = { parameters: new Uint8Array(0), descriptors: [there.reader, back.writer] }
        const passed = passObjects(control, objects, url, options)
        for (const descriptor of objects.descriptors) system.close(descriptor)
        await passed
        return new BaseChannel(frames(bytes, url, agreement, options), { url, capabilities, peer })
      } catch (error) {
        bytes.destroy()
        throw error
      } finally {
        control.destroy()
      }
    })
  },

  async connect(url: URL, options: ChannelOptions = {}): Promise<BaseChannel> {
    const { packets: control, peer } = connectControl(url, options)
    const agreement = await greetInPackets(control, 'connect', url, options)
    try {
      const { descriptors } = await receiveObjects(control, 2, url, options)
      const [reader, writer] = reopen(descriptors, url)
      confirmObjects(control)
      const link = frames(new DescriptorBytes(reader, writer, url), url, agreement, options)
      return new BaseChannel(link, { url, capabilities, peer })
    } finally {
      control.destroy()
    }
  },
}

function openPipe(url: URL): { reader: number; writer: number } {
  const ends = new Int32Array(2)
  check(system.pipe(O_NONBLOCK, ends), 'listen', url.href)
  return { reader: ends[0]!, writer: ends[1]! }
}

/** A passed descriptor shares its flags with whoever passed it, who could make it block. */
function reopen([reader, writer]: readonly number[], url: URL): [number, number] {
  const passed = [reader!, writer!] as const
  try {
    if (!passed.every((descriptor) => fstatSync(descriptor).isFIFO())) {
      const reason = 'the listener passed something else than pipes'
      throw new StraitError('CORRUPT', reason, { operation: 'connect', url })
    }
    const open = (descriptor: number, access: number) =>
      check(system.open(`/proc/self/fd/${descriptor}`, access | O_NONBLOCK, 0), 'connect', url.href)
    return [open(passed[0], O_RDONLY), open(passed[1], O_WRONLY)]
  } finally {
    for (const descriptor of passed) system.close(descriptor)
  }
}
