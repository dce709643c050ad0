import { areaY, dot, link, text } from '@observablehq/plot'
import { logScale, logTicks, valueAxis } from '../axis.js'
import { type Drawing, draw, type Size } from '../draw.js'
import { durationTick } from '../format.js'
import { colourOf, type Kind } from '../lanes.js'

/** How the rounds of a lane are distributed; its bins are equally wide on a log scale. */
export interface Ridge {
  readonly key: string
  readonly name: string
  readonly kind: Kind
  readonly p50: number
  readonly max: number
  readonly bins: readonly (readonly [upToNs: number, rounds: number])[]
}

const ROW = 40
const ROW_WITH_NAME = 56
const BINS_IN_A_DECADE = 48
const WIDTH = 10 ** (1 / BINS_IN_A_DECADE)

/** A curve for each, as high at its most frequent duration as all others; the line below it reaches to the longest. */
export function ridges(lanes: readonly Ridge[], { width, narrow }: Size): Drawing {
  const x = logScale(lanes.flatMap(({ bins, max }) => [bins[0]?.[0] ?? max, max]))
  const names = narrow
    ? ({ frameAnchor: 'top-left', dy: 2 } as const)
    : ({ frameAnchor: 'bottom-left', textAnchor: 'end', dx: -16, dy: 0 } as const)
  const outlines = lanes.flatMap(outline)
  return draw({
    width,
    height: 52 + lanes.length * (narrow ? ROW_WITH_NAME : ROW),
    ...(narrow ? { marginLeft: 8, marginRight: 12 } : { marginLeft: 250, marginRight: 24 }),
    marginTop: 26,
    marginBottom: 26,
    x,
    y: { axis: null, domain: [0, 1] },
    fy: { axis: null, domain: lanes.map(({ key }) => key), padding: narrow ? 0.35 : 0.2 },
    marks: [
      valueAxis(logTicks(x.domain, narrow ? 4 : 8), durationTick),
      link(lanes, { x1: 'p50', x2: 'max', y1: 0, y2: 0, fy: 'key', stroke: colourOf, strokeWidth: 1.5 }),
      areaY(outlines, {
        x: 'ns',
        y: 'height',
        fy: 'key',
        z: 'key',
        fill: colourOf as never,
        fillOpacity: 0.75,
        curve: 'step-before',
      }),
      dot(lanes, {
        x: 'p50',
        y: 0,
        fy: 'key',
        r: 4,
        fill: colourOf,
        stroke: 'var(--background)',
        strokeWidth: 1.5,
      }),
      text(lanes, { ...names, fy: 'key', text: 'name', fill: colourOf }),
    ],
  })
}

/** The upper ends of all bins from before the first to behind the last, with the share of the highest. */
function outline({ key, kind, bins }: Ridge) {
  const most = Math.max(...bins.map(([, rounds]) => rounds))
  const point = (ns: number, rounds: number) => ({ key, kind, ns, height: rounds / most })
  return bins.flatMap(([upTo, rounds], index) => {
    const before = bins[index - 1]?.[0]
    const after = bins[index + 1]?.[0]
    const isFirst = before === undefined || before * WIDTH ** 1.5 < upTo
    const isLast = after === undefined || upTo * WIDTH ** 1.5 < after
    return [
      ...(isFirst ? [point(upTo / WIDTH, 0)] : []),
      point(upTo, rounds),
      ...(isLast ? [point(upTo * WIDTH, 0)] : []),
    ]
  })
}
