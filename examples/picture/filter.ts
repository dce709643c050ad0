import type { Band, Canvas } from './canvas.js'

/**
 * What is bright glows, in two steps, for a blur of a plane is one of its rows and then one of its columns.
 *
 * - `across` reads the picture of the band and writes the light of the band.
 * - `down` reads the light of the band **and of the rows around it**, which others have written, and writes the picture
 *   of the band. So nobody may begin it before everybody has ended `across`.
 *
 * A value is always the sum of the same terms in the same order, however the picture is divided: that is why the
 * result is the same to the last bit.
 */
export const STEPS = { across, down }

export type Step = keyof typeof STEPS

/** Gaussian weights from -radius to radius. The radius is that of the glow: the same part of any picture. */
function kernel(height: number): Float64Array {
  const radius = Math.max(1, Math.round(height / 16))
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp((-5 * Math.abs(i - radius)) / radius),
  )
  const sum = weights.reduce((a, b) => a + b)
  return weights.map((weight) => weight / sum)
}

function across({ width, height, picture, light }: Canvas, { from, to }: Band): void {
  const weights = kernel(height)
  const radius = (weights.length - 1) / 2
  const length = width * 3
  // The row between two margins of darkness, so that no tap has to ask whether it is outside.
  const row = new Float32Array(length + 6 * radius)
  const sum = new Float32Array(length)
  for (let y = from; y < to; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = (y * width + x) * 4
      const shine = shining(picture[pixel]!, picture[pixel + 1]!, picture[pixel + 2]!)
      for (let c = 0; c < 3; c++) row[(x + radius) * 3 + c] = picture[pixel + c]! * shine
    }
    sum.fill(0)
    for (const [tap, weight] of weights.entries()) {
      for (let i = 0; i < length; i++) sum[i]! += weight * row[i + 3 * tap]!
    }
    light.set(sum, y * length)
  }
}

function down({ width, height, picture, light }: Canvas, { from, to }: Band): void {
  const weights = kernel(height)
  const radius = (weights.length - 1) / 2
  const length = width * 3
  const sum = new Float32Array(length)
  for (let y = from; y < to; y++) {
    sum.fill(0)
    for (const [tap, weight] of weights.entries()) {
      const start = (y + tap - radius) * length
      if (start < 0 || start >= light.length) continue
      for (let i = 0; i < length; i++) sum[i]! += weight * light[start + i]!
    }
    for (let x = 0; x < width; x++) {
      const pixel = (y * width + x) * 4
      const shade = vignette(x / width - 0.5, y / height - 0.5)
      for (let c = 0; c < 3; c++) {
        picture[pixel + c] = tone(picture[pixel + c]!, sum[x * 3 + c]!, c) * shade
      }
    }
  }
}

/** How much of its light a colour gives off: nothing, where it is dark. */
function shining(red: number, green: number, blue: number): number {
  const bright = Math.max(0, Math.max(red, green, blue) - 110) / 145
  return bright * bright
}

/** Shadows a little colder and lights a little warmer, each of red, green and blue by its own exponent. */
const EXPONENTS = [1.12, 1.04, 0.94]

/** The glow lies over the colour as a second slide in the projector, and never gets brighter than white. */
function tone(colour: number, glow: number, channel: number): number {
  const screened = 1 - (1 - colour / 255) * Math.exp((-3.4 * glow) / 255)
  return 255 * screened ** EXPONENTS[channel]!
}

const vignette = (x: number, y: number) => 1.04 - 0.75 * (x * x + y * y) ** 1.25
