import { dot, link, type Markish, text, tickX } from '@observablehq/plot'
import { logScale, logTicks, valueAxis } from '../axis.js'
import { type Drawing, draw, type Size } from '../draw.js'
import { duration, durationTick, orDash, ratio } from '../format.js'
import { colourOf, type Kind } from '../lanes.js'

/** One line of the chart. Times are in ns. */
export interface Ranked {
  readonly key: string
  readonly name: string
  readonly kind: Kind
  readonly noisy: boolean
  readonly p50: number
  readonly p99: number
  readonly floor: number | null
  readonly ratioToFloor: number | null
}

const ROW = 27
const ROW_WITH_NAME = 38
const isOurs = ({ kind }: Ranked) => kind !== 'peer'

/** From p50 to p99 of each on a log scale, with the floor: in the order given. */
export function ranking(lanes: readonly Ranked[], { width, narrow }: Size): Drawing {
  const x = logScale(lanes.flatMap(({ p50, p99, floor }) => [p50, p99, floor ?? p50]))
  const margins = narrow ? { marginLeft: 8, marginRight: 12 } : { marginLeft: 250, marginRight: 150 }
  const height = 52 + lanes.length * (narrow ? ROW_WITH_NAME : ROW)
  return draw({
    width,
    height,
    ...margins,
    marginTop: 26,
    marginBottom: 26,
    x,
    y: { type: 'band', domain: lanes.map(({ key }) => key), axis: null, padding: narrow ? 0.2 : 0.3 },
    marks: [
      valueAxis(logTicks(x.domain, narrow ? 4 : 8), durationTick),
      ...ranges(lanes, narrow),
      ...(narrow ? namesAbove(lanes) : namesBeside(lanes)),
    ],
  })
}

function ranges(lanes: readonly Ranked[], narrow: boolean): Markish[] {
  const dy = narrow ? 9 : 0
  const at = { y: 'key', dy } as const
  return [true, false].flatMap((ours) => {
    const shown = lanes.filter((lane) => isOurs(lane) === ours)
    const line = (lanes: readonly Ranked[], strokeDasharray: string) =>
      link(lanes, {
        ...{ x1: 'p50', x2: 'p99', y1: 'key', y2: 'key', dy, strokeDasharray },
        ...{ stroke: colourOf, strokeWidth: ours ? 4 : 2, strokeOpacity: 0.45 },
      })
    return [
      line(
        shown.filter(({ noisy }) => !noisy),
        'none',
      ),
      line(
        shown.filter(({ noisy }) => noisy),
        '3,4',
      ),
      tickX(
        shown.filter(({ floor }) => floor !== null),
        {
          ...{ ...at, x: 'floor', stroke: 'var(--text)', strokeWidth: 2 },
          ...(narrow ? { insetTop: 4, insetBottom: 4 } : {}),
        },
      ),
      dot(shown, {
        ...{ ...at, x: 'p99', r: ours ? 3 : 2, fill: colourOf },
      }),
      dot(shown, {
        ...{ ...at, x: 'p50', r: ours ? 6 : 4.5, strokeWidth: 2, stroke: colourOf },
        fill: ours ? colourOf : 'var(--background)',
      }),
    ]
  })
}

const median = ({ p50, noisy }: Ranked) => `${noisy ? '≈ ' : ''}${duration(p50)}`
const timesFloor = ({ ratioToFloor }: Ranked) => orDash(ratioToFloor, (value) => `${ratio(value)} ×`)

function namesBeside(lanes: readonly Ranked[]): Markish[] {
  const column = (side: 'left' | 'right', dx: number) =>
    ({ y: 'key', frameAnchor: side, textAnchor: 'end', dx }) as const
  const head = (dx: number, label: string) =>
    text([label], { frameAnchor: 'top-right', textAnchor: 'end', dx, dy: -10, fill: 'var(--muted)' })
  return [
    head(70, 'p50'),
    head(140, '× C floor'),
    ...[true, false].flatMap((ours) => {
      const shown = lanes.filter((lane) => isOurs(lane) === ours)
      const look = { fill: ours ? colourOf : 'var(--muted)', fontWeight: ours ? 650 : 400 } as const
      return [
        text(shown, { ...column('left', -16), ...look, text: 'name' }),
        text(shown, { ...column('right', 70), ...look, text: median, fontVariant: 'tabular-nums' }),
        text(shown.filter(isOurs), {
          ...column('right', 140),
          text: timesFloor,
          fontVariant: 'tabular-nums',
        }),
      ]
    }),
  ]
}

function namesAbove(lanes: readonly Ranked[]): Markish[] {
  return [true, false].flatMap((ours) => {
    const shown = lanes.filter((lane) => isOurs(lane) === ours)
    const look = {
      y: 'key',
      dy: -8,
      fill: ours ? colourOf : 'var(--muted)',
      fontWeight: ours ? 650 : 400,
    } as const
    const figures = (lane: Ranked) =>
      isOurs(lane) && lane.floor !== null ? `${median(lane)} · ${timesFloor(lane)}` : median(lane)
    return [
      text(shown, { ...look, frameAnchor: 'left', text: 'name' }),
      text(shown, { ...look, frameAnchor: 'right', text: figures, fontVariant: 'tabular-nums' }),
    ]
  })
}
