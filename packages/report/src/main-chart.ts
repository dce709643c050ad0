import type { Results } from '@strait/bench'
import { ranking } from './charts/ranking.js'
import { WIDE } from './draw.js'
import { Html, html } from './html.js'
import { mainSituation } from './lanes.js'
import { mainRows, rankedLane } from './sections/round-trips.js'
import { describe } from './sections/words.js'
import { COLOURS, FONT } from './style.js'

/**
 * The main result of a run as one SVG, to be shown by a page or a README: light or dark, as whoever looks at it likes.
 * Transports and floors only, for the other programs have no room there.
 */
export function mainChart(results: Results): string {
  const lanes = mainRows(results)
    .filter(({ peer }) => peer === undefined)
    .map(rankedLane)
  const { width, height, content } = ranking(lanes, WIDE)
  const situation = describe(mainSituation(results.rows))
  return html`<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Round trips from p50 to p99, for each transport; ${situation}"
 viewBox="0 0 ${width} ${height + FOOT}" width="${width}" height="${height + FOOT}" font-family="${FONT}" font-size="13"
 text-anchor="middle" fill="currentColor">
<style>${new Html(COLOURS)} svg { color: var(--text); } text { white-space: pre; }</style>
<rect width="100%" height="100%" rx="8" fill="var(--background)"/>
${content}
<text x="16" y="${height + 14}" text-anchor="start" fill="var(--muted)">A round trip, ${situation}. ● p50, the line ends at p99; ┃ blocking C.</text>
</svg>
`.text
}

/** For the line that says what is to be seen. */
const FOOT = 28
