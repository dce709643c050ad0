import { type Drawing, image, NARROW, type Size, WIDE } from './draw.js'
import { type Html, html } from './html.js'

/** A chart, what is to be seen in it, and the same in figures. */
export interface Section {
  readonly id: string
  readonly title: string
  /** What is to be seen, and how to read it. */
  readonly text: string
  /** What the chart's symbols stand for. */
  readonly legend: readonly Sign[]
  readonly charts: readonly Chart[]
  readonly table: Html
}

export interface Sign {
  readonly glyph: string
  readonly colour: string
  readonly means: string
}

export interface Chart {
  /** Where a section has several. */
  readonly title?: string
  /** What it shows, for those who do not see it. */
  readonly label: string
  readonly draw: (size: Size) => Drawing
}

export function render({ id, title, text, legend, charts, table }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<p class="text">${text}</p>
${charts.map((chart) => renderChart(chart, legend))}
<details><summary>The figures<span class="unseen"> of ${title}</span></summary>
${table}
</details>
</section>
`
}

function renderChart({ title, label, draw }: Chart, legend: readonly Sign[]): Html {
  return html`${title === undefined ? undefined : html`<h3>${title}</h3>`}
<figure>
<figcaption>${legend.map(
    ({ glyph, colour, means }) =>
      html`<span><b style="color: ${colour}" aria-hidden="true">${glyph}</b> ${means}</span> `,
  )}</figcaption>
${image(draw(WIDE), label, 'wide')}
${image(draw(NARROW), label, 'narrow')}
</figure>
`
}
