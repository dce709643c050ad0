import type { Results } from '@strait/bench'
import { head } from './head.js'
import { Html, html } from './html.js'
import { render, type Section } from './section.js'
import { modesCompared, placementsCompared } from './sections/comparisons.js'
import { connections } from './sections/connections.js'
import { distributions } from './sections/distributions.js'
import { effort } from './sections/effort.js'
import { everything } from './sections/everything.js'
import { payloads } from './sections/payloads.js'
import { percentiles } from './sections/percentiles.js'
import { roundTrips } from './sections/round-trips.js'
import { throughput } from './sections/throughput.js'
import { PAGE } from './style.js'

const SECTIONS: readonly ((results: Results) => Section | undefined)[] = [
  roundTrips,
  distributions,
  percentiles,
  payloads,
  throughput,
  modesCompared,
  placementsCompared,
  effort,
  connections,
  everything,
]

/**
 * A run as one page: a file that needs nothing else, no network and no script. It shows what was measured; a chart for
 * which there is nothing is not there. All that comes from the results is text, whatever it contains.
 */
export function htmlReport(results: Results): string {
  const sections = SECTIONS.flatMap((section) => section(results) ?? [])
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>What a message costs: ${results.machine.cpu}, ${results.date.slice(0, 10)}</title>
<style>${new Html(PAGE)}</style>
</head>
<body>
${head(results)}
<nav aria-label="Charts"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main>
${sections.map(render)}
</main>
<footer>Drawn by Strait from what <code>strait bench</code> has measured. Compare figures of one run only.</footer>
</body>
</html>
`.text
}
