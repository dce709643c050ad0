import { type Html, html } from './html.js'

export interface Column<T> {
  readonly head: string
  readonly cell: (row: T) => string
}

/** A table with a name in front of each row. It scrolls in a box of its own, also by keyboard. */
export function table<T>(
  caption: string,
  rows: readonly T[],
  name: Column<T>,
  columns: readonly Column<T>[],
): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Table: ${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${[name, ...columns].map(({ head }) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) =>
    html`<tr><th scope="row">${name.cell(row)}</th>${columns.map(({ cell }) => html`<td>${cell(row)}</td>`)}</tr>\n`,
)}</tbody>
</table></div>`
}
