/** Two rows of pixels as one line of a terminal: the upper one colours half a block, the lower one what is behind it. */
export function halfBlocks(upper: Uint8Array, lower: Uint8Array): string {
  let line = ''
  for (let at = 0; at < upper.length; at += 3) {
    line += `\x1b[38;2;${upper.subarray(at, at + 3).join(';')}m\x1b[48;2;${lower.subarray(at, at + 3).join(';')}m▀`
  }
  return `${line}\x1b[0m\n`
}
