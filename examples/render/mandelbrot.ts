/** The part of the plane that is seen, and how large the picture of it is. */
export interface View {
  readonly x: number
  readonly y: number
  /** How wide that part is. */
  readonly span: number
  readonly width: number
  readonly height: number
  /** A point that has not gone far after so many steps counts as one of the set. */
  readonly steps: number
}

/** So many points of each pixel in each direction, for smooth edges. */
const SAMPLES = 2
const FAR = 2 ** 16

let view: View

/** Each worker is told once what all its jobs are about. */
export function lookAt(at: View): void {
  view = at
}

/** One row of the picture: red, green and blue of each pixel. */
export function row(index: number): Uint8Array {
  const { x, y, span, width, height } = view
  const pixel = span / width
  const left = x - span / 2
  const top = y + (pixel * height) / 2
  const colours = new Uint8ClampedArray(width * 3)
  for (let column = 0; column < width; column++) {
    const sum = [0, 0, 0] as [number, number, number]
    for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
      const right = ((sample % SAMPLES) + 0.5) / SAMPLES
      const down = (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES
      add(sum, stepsOf(left + (column + right) * pixel, top - (index + down) * pixel))
    }
    for (const [part, value] of sum.entries()) colours[column * 3 + part] = (255 * value) / SAMPLES ** 2
  }
  return new Uint8Array(colours.buffer)
}

/** After how many steps z² + c has gone far, with a fraction so that colours have no edges; undefined: it has not. */
function stepsOf(cx: number, cy: number): number | undefined {
  let zx = 0
  let zy = 0
  for (let step = 0; step < view.steps; step++) {
    const xx = zx * zx
    const yy = zy * zy
    if (xx + yy > FAR) return step + 1 - Math.log2(Math.log2(xx + yy) / 2)
    zy = 2 * zx * zy + cy
    zx = xx - yy + cx
  }
  return undefined
}

/** Three waves, from night blue over sand to white and back. What belongs to the set is black. */
function add(sum: [number, number, number], escaped: number | undefined): void {
  if (escaped === undefined) return
  const phase = Math.sqrt(Math.max(0, escaped)) * 0.9
  sum[0] += 0.5 - 0.5 * Math.cos(phase - 0.4)
  sum[1] += 0.5 - 0.5 * Math.cos(phase)
  sum[2] += 0.5 - 0.5 * Math.cos(phase + 0.6)
}
