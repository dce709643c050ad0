import { type Kind, type PortEvents, StraitError } from '@strait/core'
import { Signal } from './sockets.js'

/**
 * A unit as a frame. Always a copy: `zeromq` sends large buffers from where they are, and never tells when it has let
 * go of them.
 */
export function toFrame(kind: Kind, payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(1 + payload.length)
  frame[0] = kind
  frame.set(payload, 1)
  return frame
}

/** Hands on what a peer sent: one frame that is a unit, or that says that it is gone. Anything else ends it. */
export function deliver(frames: readonly Buffer[], events: PortEvents, url: URL): void {
  const [frame] = frames
  if (frames.length !== 1 || frame === undefined || frame.length === 0) {
    const reason = `the peer sent a message of ${frames.length} frames, which is no unit`
    events.end(new StraitError('CORRUPT', reason, { operation: 'receive', url }))
    return
  }
  const kind = frame[0]!
  if (kind === Signal.GONE) events.end()
  else if (kind !== Signal.NUDGE) {
    // A plain array: `slice` of a Buffer would share the memory.
    events.unit(kind, new Uint8Array(frame.buffer, frame.byteOffset + 1, frame.length - 1))
  }
}
