/** A frame by hand: the layout of docs/wire-format.md, written once more. */
export function frame(
  kind: number,
  call: number,
  {
    name = '',
    body = new Uint8Array(0) as Uint8Array,
    buffers = [] as [place: number, length: number][],
  } = {},
): Buffer {
  const head = Buffer.alloc(12 + name.length + 8 * buffers.length)
  head.writeUInt32LE(head.length + body.length - 4, 0)
  head[4] = kind
  head[5] = name.length
  head.writeUInt16LE(buffers.length, 6)
  head.writeUInt32LE(call, 8)
  head.write(name, 12, 'latin1')
  for (const [index, [place, length]] of buffers.entries()) {
    head.writeUInt32LE(place, 12 + name.length + 8 * index)
    head.writeUInt32LE(length, 16 + name.length + 8 * index)
  }
  return Buffer.concat([head, body])
}
