/** From the byte 0xc0 on: how many bytes a value has behind it. Those of a length field are not among them. */
const FIXED = new Map([
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
  [0xd4, 2],
  [0xd5, 3],
  [0xd6, 5],
  [0xd7, 9],
  [0xd8, 17],
])

/**
 * Looks whether the arrays and maps of a MessagePack message can be as long as they say: each value that is still to come
 * has a byte at least. The decoder makes an array as soon as it reads how long it is, so five bytes would be 240 MB.
 *
 * - Errors: `RangeError` they cannot. What else is wrong, the decoder finds.
 */
export function checkClaims(message: Uint8Array): void {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  let at = 0
  /** Values that are still to come. */
  let due = 1
  const length = (bytes: 1 | 2 | 4): number => {
    const start = at
    at += bytes
    if (bytes === 1) return view.getUint8(start)
    return bytes === 2 ? view.getUint16(start) : view.getUint32(start)
  }
  const skip = (bytes: number): void => {
    at += bytes
  }
  while (due > 0 && at < message.length) {
    const type = message[at++]!
    due--
    if (type < 0x80 || type >= 0xe0) continue
    if (type < 0x90) due += 2 * (type & 15)
    else if (type < 0xa0) due += type & 15
    else if (type < 0xc0) at += type & 31
    else if (type === 0xc4 || type === 0xd9) skip(length(1))
    else if (type === 0xc5 || type === 0xda) skip(length(2))
    else if (type === 0xc6 || type === 0xdb) skip(length(4))
    else if (type === 0xc7) skip(length(1) + 1)
    else if (type === 0xc8) skip(length(2) + 1)
    else if (type === 0xc9) skip(length(4) + 1)
    else if (type === 0xdc) due += length(2)
    else if (type === 0xdd) due += length(4)
    else if (type === 0xde) due += 2 * length(2)
    else if (type === 0xdf) due += 2 * length(4)
    else at += FIXED.get(type) ?? 0
    if (due > message.length - at) throw new RangeError('an array or a map that is longer than its message')
  }
}
