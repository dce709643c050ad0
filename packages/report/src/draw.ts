import { type PlotOptions, plot } from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { Html, html } from './html.js'

/** What a chart is drawn for: a page, or a phone, which has no room for names beside it. */
export interface Size {
  readonly width: number
  readonly narrow: boolean
}

export const WIDE: Size = { width: 880, narrow: false }
export const NARROW: Size = { width: 344, narrow: true }

export interface Drawing {
  readonly width: number
  readonly height: number
  /** The content of an `<svg>`, which scripts and styles are not part of. */
  readonly content: Html
}

/** Draws without a browser. Axes are not labelled by the plot: the text above says what they are. */
export function draw(options: PlotOptions & { width: number; height: number }): Drawing {
  const { document } = parseHTML('<!doctype html><html></html>')
  const svg = plot({ ...options, document, className: 'plot' })
  svg.querySelector('style')?.remove()
  return { width: options.width, height: options.height, content: new Html(svg.innerHTML) }
}

/** An image to those who see it, and its label to those who do not. */
export function image({ width, height, content }: Drawing, label: string, className: string): Html {
  return html`<svg class="plot ${className}" role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}"
 width="${width}" height="${height}" font-size="13" fill="currentColor" text-anchor="middle">${content}</svg>`
}

/** Text in a chart that lies over lines stays readable. */
export const HALO = { stroke: 'var(--background)', strokeWidth: 4 } as const
