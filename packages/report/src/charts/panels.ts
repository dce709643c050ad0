import { axisX, axisY, dot, gridX, gridY, line, type ScaleOptions, text } from '@observablehq/plot'
import { type Drawing, draw, HALO, type Size } from '../draw.js'
import { colourOf, type Kind } from '../lanes.js'

/** One curve; those of one panel are shown together, each in front of all others. */
export interface Curve {
  readonly panel: string
  readonly name: string
  readonly kind: Kind
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface PanelAxis {
  readonly scale: ScaleOptions
  readonly ticks: readonly number[]
  readonly show: (value: number) => string
}

const HEIGHT = 150

/** A panel for each transport: its curve and those of its peers, the others grey behind them. */
export function panels(
  curves: readonly Curve[],
  x: PanelAxis,
  y: PanelAxis,
  { width, narrow }: Size,
): Drawing {
  const names = [...new Set(curves.map(({ panel }) => panel))]
  const columns = Math.min(names.length, narrow ? 2 : 4)
  const rows = Math.ceil(names.length / columns)
  const place = (panel: string) => {
    const index = names.indexOf(panel)
    return { fx: index % columns, fy: Math.floor(index / columns) }
  }
  const all = curves.flatMap((curve) =>
    curve.points.map(([x, y]) => ({
      ...place(curve.panel),
      x,
      y,
      curve: `${curve.panel} ${curve.name}`,
      kind: curve.kind,
    })),
  )
  const context = names.flatMap((panel) => {
    const { fx, fy } = place(panel)
    return all
      .filter((point) => point.kind !== 'peer' && (point.fx !== fx || point.fy !== fy))
      .map((point) => ({ ...point, fx, fy }))
  })
  const at = { x: 'x', y: 'y', fx: 'fx', fy: 'fy', z: 'curve' } as const
  const ours = all.filter(({ kind }) => kind !== 'peer')
  const peers = all.filter(({ kind }) => kind === 'peer')
  const ticks = { tickSize: 0, label: null, fill: 'var(--muted)', fontSize: 11 }
  return draw({
    width,
    height: 40 + rows * HEIGHT,
    marginLeft: 64,
    marginRight: 20,
    marginTop: 20,
    marginBottom: 24,
    x: x.scale,
    y: y.scale,
    fx: { axis: null, domain: range(columns), padding: 0.16 },
    fy: { axis: null, domain: range(rows), padding: 0.22 },
    marks: [
      gridX([...x.ticks], { stroke: 'var(--line)', strokeOpacity: 1 }),
      gridY([...y.ticks], { stroke: 'var(--line)', strokeOpacity: 1 }),
      axisX([...x.ticks], { ...ticks, tickFormat: x.show }),
      axisY([...y.ticks], { ...ticks, tickFormat: y.show }),
      line(context, { ...at, stroke: 'var(--context)', strokeWidth: 1 }),
      line(peers, { ...at, stroke: 'var(--peer)', strokeWidth: 1.5, strokeDasharray: '5,3' }),
      line(ours, { ...at, stroke: colourOf, strokeWidth: 2.5 }),
      dot(ours, { ...at, fill: colourOf, r: 2.5 }),
      text(
        names.map((name) => ({ ...place(name), name })),
        {
          ...{ fx: 'fx', fy: 'fy', text: 'name', frameAnchor: 'top-left', dy: -16 },
          ...{ fontWeight: 650, fill: 'var(--text)', ...HALO },
        },
      ),
    ],
  })
}

const range = (length: number) => Array.from({ length }, (_, index) => index)
