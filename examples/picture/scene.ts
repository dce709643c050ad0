import type { Canvas } from './canvas.js'

type Colour = readonly [red: number, green: number, blue: number]

/** Where the water begins. Lengths are parts of the picture's height; y grows downwards. */
const HORIZON = 0.66

const SKY: readonly Colour[] = [
  [10, 12, 38],
  [34, 26, 82],
  [104, 52, 118],
  [206, 98, 108],
  [250, 176, 112],
]
const DEEP: Colour = [8, 18, 44]
const LAND: Colour = [17, 15, 36]
const STEEL: Colour = [30, 22, 48]
const WINDOWS: readonly Colour[] = [
  [255, 206, 120],
  [255, 176, 84],
  [226, 240, 255],
]
const NEON: Colour = [246, 52, 146]
const LAMP: Colour = [255, 238, 196]

/** Paints a strait at dusk: two towns, a bridge, and their lights in the water. Always the same. */
export function paint({ width, height, picture }: Canvas): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // The middle of any picture is the middle of the scene.
      const across = (x - width / 2) / height
      const colour = y / height < HORIZON ? above(across, y / height) : water(across, y / height)
      picture.set(colour, (y * width + x) * 4)
      picture[(y * width + x) * 4 + 3] = 255
    }
  }
}

function water(x: number, y: number): Colour {
  const depth = (y - HORIZON) / (1 - HORIZON)
  const ripple = noise(x * 22, 60 * Math.sqrt(depth) * 2) - 0.5
  const sway = Math.sin(420 * Math.sqrt(depth) + 9 * x) * 0.004
  const mirrored = above(x + (0.05 * ripple + sway) * (0.15 + depth), HORIZON - depth * 0.5 - ripple * 0.012)
  return mix(mirrored, DEEP, 0.12 + 0.4 * depth)
}

function above(x: number, y: number): Colour {
  return bridge(x, y) ?? town(x, y) ?? mountains(x, y) ?? moon(x, y) ?? sky(x, y)
}

function sky(x: number, y: number): Colour {
  const position = Math.min(0.999, Math.max(0, y / HORIZON) ** 1.35) * (SKY.length - 1)
  const band = Math.floor(position)
  const cloud = 0.05 * Math.max(0, noise(x * 3 + 7, y * 26) - 0.45)
  const colour = mix(SKY[band]!, SKY[band + 1]!, position - band + cloud)
  return y < 0.45 && star(x, y) ? [236, 240, 255] : colour
}

/** One star at most in each cell of a grid, somewhere in it. */
function star(x: number, y: number): boolean {
  const [column, row] = [Math.floor(x * 34), Math.floor(y * 34)]
  if (random(column, row, 1) > 0.5 - y) return false
  const dx = x * 34 - column - 0.1 - 0.8 * random(column, row, 2)
  const dy = y * 34 - row - 0.1 - 0.8 * random(column, row, 3)
  return Math.hypot(dx, dy) < 0.018 + 0.03 * random(column, row, 4)
}

function moon(x: number, y: number): Colour | undefined {
  const [dx, dy] = [x - 0.2, y - 0.27]
  if (Math.hypot(dx, dy) > 0.085) return undefined
  const seas = noise(dx * 26 + 40, dy * 26 + 3)
  return seas > 0.56 ? [186, 160, 150] : [232, 214, 184]
}

function mountains(x: number, y: number): Colour | undefined {
  if (y > 0.615 - 0.1 * ridge(x * 4 + 60)) return [54, 36, 84]
  if (y > 0.585 - 0.17 * ridge(x * 2.4 + 20)) return [112, 62, 118]
  return undefined
}

/** The height of the coast, which the strait has washed away in the middle. */
function coast(x: number): number {
  const inland = Math.max(0, Math.abs(x + 0.02) - 0.27) / 0.4
  return 0.11 * inland ** 0.7 * (0.85 + 0.3 * ridge(x * 14))
}

function town(x: number, y: number): Colour | undefined {
  const shore = coast(x)
  if (shore === 0) return undefined
  if (y > HORIZON - shore) return LAND
  return sign(x, y) ?? house(x, y)
}

const HOUSE = 0.026

function house(x: number, y: number): Colour | undefined {
  const index = Math.floor(x / HOUSE)
  const left = index * HOUSE
  const ground = HORIZON - coast(left + HOUSE / 2)
  const tall = random(index, 0, 5) ** 2 * 0.1 + 0.02
  if (coast(left) === 0 || coast(left + HOUSE) === 0 || y < ground - tall) return undefined
  const [column, row] = [Math.floor((x - left) / 0.0052), Math.floor((y - ground) / 0.0085)]
  const inPane = fraction((x - left) / 0.0052) > 0.36 && fraction((y - ground) / 0.0085) > 0.42
  const lit = column < 5 && y > ground - tall + 0.004 && random(index * 8 + column, row, 6) < 0.42
  if (inPane && lit) return WINDOWS[Math.floor(random(index * 8 + column, row, 7) ** 2 * 3)]
  return mix([22, 19, 44], [38, 30, 62], random(index, 0, 8))
}

const LETTERS = [
  '.####|#####|####.|.###.|###|#####',
  '#....|..#..|#...#|#...#|.#.|..#..',
  '.###.|..#..|####.|#####|.#.|..#..',
  '....#|..#..|#..#.|#...#|.#.|..#..',
  '####.|..#..|#...#|#...#|###|..#..',
].map((row) => `.${row.replaceAll('|', '.')}.`)
const DOT = 0.0064

/** The name in neon, on a board over the roofs of the left town. */
function sign(x: number, y: number): Colour | undefined {
  const [left, top, columns] = [-0.6, 0.375, LETTERS[0]!.length]
  const column = Math.floor((x - left) / DOT)
  const row = Math.floor((y - top) / DOT)
  if (column >= 0 && column < columns && row >= -2 && row < 7) {
    return LETTERS[row]?.[column] === '#' ? NEON : [24, 14, 40]
  }
  const post = column === 4 || column === columns - 5
  return post && row >= 7 ? STEEL : undefined
}

const TOWERS = [-0.2, 0.16]
const DECK = 0.598

function bridge(x: number, y: number): Colour | undefined {
  if (Math.abs(x + 0.02) > 0.46) return undefined
  const lamp = (Math.round(x / 0.03 - 0.5) + 0.5) * 0.03
  if (Math.hypot(x - lamp, y - DECK + 0.009) < 0.0026) return LAMP
  if (Math.abs(y - DECK) < 0.004) return STEEL
  for (const tower of TOWERS) {
    const inside = Math.abs(x - tower) < 0.011 && y > 0.4
    if (inside && (Math.abs(x - tower) > 0.0065 || fraction(y / 0.045) < 0.18)) return STEEL
    if (Math.hypot(x - tower, y - 0.394) < 0.0042) return [255, 60, 60]
  }
  const cable = cableAt(x)
  if (y < DECK && Math.abs(y - cable) < 0.0022) return STEEL
  if (y > cable && y < DECK && fraction(x / 0.015) < 0.08) return STEEL
  return undefined
}

/** The main cable hangs between the towers and runs straight to the coasts. */
function cableAt(x: number): number {
  const middle = (TOWERS[0]! + TOWERS[1]!) / 2
  const half = (TOWERS[1]! - TOWERS[0]!) / 2
  const from = (x - middle) / half
  if (Math.abs(from) <= 1) return 0.583 - 0.178 * from * from
  return 0.405 + (Math.abs(x - middle) - half) * 0.74
}

const mix = (a: Colour, b: Colour, part: number): Colour => [
  a[0] + (b[0] - a[0]) * part,
  a[1] + (b[1] - a[1]) * part,
  a[2] + (b[2] - a[2]) * part,
]

const fraction = (value: number) => value - Math.floor(value)

/** The same number from 0 to 1 for the same three integers. */
function random(x: number, y: number, of: number): number {
  let hash = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(of, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** Smooth between random values at integers. */
function noise(x: number, y: number): number {
  const [column, row] = [Math.floor(x), Math.floor(y)]
  const ease = (t: number) => t * t * (3 - 2 * t)
  const [right, lower] = [ease(x - column), ease(y - row)]
  const along = (r: number) => random(column, r, 0) * (1 - right) + random(column + 1, r, 0) * right
  return along(row) * (1 - lower) + along(row + 1) * lower
}

/** A jagged line from 0 to 1: noise of three sizes. */
const ridge = (x: number) => (4 * noise(x, 0.5) + 2 * noise(2.1 * x, 9.5) + noise(4.3 * x, 5.5)) / 7
