import { axisX, gridX, type Markish } from '@observablehq/plot'

/** A logarithmic scale around values, with room at both ends. */
export function logScale(values: readonly number[]): { type: 'log'; domain: [number, number] } {
  const positive = values.filter((value) => value > 0)
  const [low, high] = positive.length === 0 ? [1, 1] : [Math.min(...positive), Math.max(...positive)]
  return { type: 'log', domain: [low / 1.3, high * 1.3] }
}

/** Round values on it: powers of ten, and 2 and 5 times these where there are few. */
export function logTicks([low, high]: readonly [number, number], most = 8): number[] {
  const first = Math.floor(Math.log10(low))
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high)) - first + 1 },
    (_, index) => 10 ** (first + index),
  )
  const within = (ticks: number[]) => ticks.filter((tick) => tick >= low && tick <= high)
  const tens = within(powers)
  const all = within(powers.flatMap((power) => [power, 2 * power, 5 * power]))
  const every = Math.ceil(tens.length / most)
  return tens.length < 3 ? all.slice(0, most) : tens.filter((_, index) => index % every === 0)
}

/** Values above and below, and a line for each, behind everything. */
export function valueAxis(ticks: readonly number[] | number, show: (value: number) => string): Markish[] {
  const at = typeof ticks === 'number' ? ticks : [...ticks]
  const labels = { ticks: at, tickFormat: show, tickSize: 0, label: null, fill: 'var(--muted)' }
  return [
    gridX({ ticks: at, stroke: 'var(--line)', strokeOpacity: 1 }),
    axisX({ ...labels, anchor: 'top' }),
    axisX({ ...labels, anchor: 'bottom' }),
  ]
}
