import type { Channel } from '../../src/index.js'

export function talk(
  channel: Channel,
  bytes: number,
  sendSeed: number,
  receiveSeed: number,
): Promise<{ sent: number; received: number }>
