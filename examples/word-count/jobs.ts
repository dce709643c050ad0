const decoder = new TextDecoder()

/** How often each word stands in a piece of text. */
export function count(piece: Uint8Array): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [word] of decoder
    .decode(piece)
    .toLowerCase()
    .matchAll(/\p{L}+/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return counts
}
