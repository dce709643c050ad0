import type { SharedMemory } from '@strait/posix'

/** Rows `from` up to, and without, `to`. */
export interface Band {
  readonly from: number
  readonly to: number
}

/**
 * A picture and the light that it gives off, both in one memory:
 *
 *     0                     4·width·height          16·width·height
 *     | picture: R G B A, u8 | light: R G B, float32 |
 */
export interface Canvas {
  readonly width: number
  readonly height: number
  readonly picture: Uint8ClampedArray
  readonly light: Float32Array
}

/** In bytes. */
export const sizeOf = (width: number, height: number): number => width * height * 16

export function canvasIn(memory: SharedMemory, width: number, height: number): Canvas {
  const pixels = width * height
  return {
    width,
    height,
    picture: memory.view(Uint8ClampedArray, 0, pixels * 4),
    light: memory.view(Float32Array, pixels * 4, pixels * 3),
  }
}

/** All rows in so many bands, which differ by one row at most. */
export function bands(height: number, count: number): Band[] {
  const start = (index: number) => Math.floor((height * index) / count)
  return Array.from({ length: count }, (_, index) => ({ from: start(index), to: start(index + 1) }))
}
