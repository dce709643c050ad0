/** Three significant figures and a unit that suits: `850 ns`, `45.2 µs`, `1.26 ms`, `2.00 s`. */
export function duration(ns: number): string {
  const [unit, size] = (
    [
      ['s', 1e9],
      ['ms', 1e6],
      ['µs', 1e3],
    ] as const
  ).find(([, size]) => ns >= size) ?? ['ns', 1]
  return `${figures(ns / size)} ${unit}`
}

/** `1.71 M/s`, `19.5 k/s`. */
export function rate(perSecond: number): string {
  return `${scaled(perSecond)}/s`
}

/** `109 MB/s`. */
export function byteRate(perSecond: number): string {
  return `${scaled(perSecond)}B/s`
}

function scaled(value: number): string {
  const [prefix, size] = (
    [
      ['G', 1e9],
      ['M', 1e6],
      ['k', 1e3],
    ] as const
  ).find(([, size]) => value >= size) ?? ['', 1]
  return `${figures(value / size)} ${prefix}`
}

function figures(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** `1,048,576`. */
export function integer(value: number): string {
  return value.toLocaleString('en')
}
