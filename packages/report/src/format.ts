import { format } from 'd3-format'

const threeFigures = format('.3s')

/** Three significant figures and a prefix of the SI: `45.2 µs`. */
function scaled(value: number, unit: string): string {
  return threeFigures(value).replace(/\D?$/, (prefix) => ` ${prefix}${unit}`)
}

const withoutZeros = format('.3~s')

/** Of round values at an axis: `1 µs` rather than `1.00 µs`. */
const tick = (unit: string) => (value: number) =>
  withoutZeros(value).replace(/\D?$/, (prefix) => ` ${prefix}${unit}`)

export const durationTick = (ns: number): string => tick('s')(Number((ns / 1e9).toPrecision(6)))
export const rateTick = (perSecond: number): string => tick('/s')(perSecond).replace(' /', '/')
export const byteRateTick = tick('B/s')

/** `850 ns`, `45.2 µs`, `2.00 s`. */
export const duration = (ns: number): string => scaled(ns / 1e9, 's')

/** `1.71 M/s`. */
export const rate = (perSecond: number): string => scaled(perSecond, '/s').replace(' /', '/')

/** `109 MB/s`. */
export const byteRate = (perSecond: number): string => scaled(perSecond, 'B/s')

/** `1,048,576`. */
export const integer = format(',d')

/** `4.07`, `74.1`, `1,240`. */
export const ratio = (value: number): string => format(value < 100 ? '.3~r' : ',.0f')(value)

/** `12 %`; `0.02 %`. */
export const percent = (share: number): string => `${format('.2~r')(100 * share)} %`

/** `64 B`, `1 KiB`, `1.5 MiB`. */
export function bytes(count: number): string {
  const [unit, size] = count >= 2 ** 20 ? ['MiB', 2 ** 20] : count >= 2 ** 10 ? ['KiB', 2 ** 10] : ['B', 1]
  return `${format('.4~r')(count / Number(size))} ${unit}`
}

/** What is not measured is a dash. */
export function orDash<T>(value: T | null | undefined, show: (value: T) => string): string {
  return value === null || value === undefined ? '–' : show(value)
}
