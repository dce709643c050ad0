import type { Results, Row } from '@strait/bench'
import { duration, integer, percent, ratio } from './format.js'
import { type Html, html } from './html.js'
import { kindOf, mainSituation, nameOf } from './lanes.js'
import { mainRows } from './sections/round-trips.js'
import { describe } from './sections/words.js'

/** What to know before any chart: the answer, whether it can be relied on, and where the figures come from. */
export function head(results: Results): Html {
  const { machine, rows } = results
  return html`<header>
<h1>What a message costs</h1>
<p class="lead">IPC from Node.js, measured with Strait on ${machine.cpu}, ${day(results.date)}</p>
${banner(results)}
${rows.length > 0 ? answers(results) : html`<p>No round trips were measured.</p>`}
${facts(results)}
</header>
`
}

function banner({ parts, rows }: Results): Html | undefined {
  const noisy = rows.filter((row) => row.noisy).length
  const marked = `${integer(noisy)} of ${integer(rows.length)} rows are marked with ≈: do not quote those.`
  const refused = parts.filter(({ notes }) => notes.length > 0)
  if (refused.length === 0) return noisy === 0 ? undefined : html`<p>${marked}</p>`
  const title =
    refused.length === parts.length
      ? 'Do not quote this run: it calls itself noisy'
      : `${integer(refused.length)} of ${integer(parts.length)} parts of this run call themselves noisy`
  return html`<div class="banner" role="note" aria-labelledby="noisy">
<h2 id="noisy">${title}</h2>
${noisy > 0 ? html`<p>${marked}</p>` : undefined}
<details><summary>What the run says</summary><ul>${refused.map(({ what, notes }) => html`<li>${what}: ${notes.join('; ')}</li>`)}</ul></details>
</div>`
}

/** The quickest between two processes, the next one, and what Node has itself. */
function answers(results: Results): Html {
  const rows = mainRows(results)
  const between = rows.filter(({ scheme, peer }) => peer === undefined && !['mem', 'worker'].includes(scheme))
  const [quickest = rows[0]!, next] = between
  const own = rows.find(({ peer }) => peer?.startsWith('child_process'))
  const others = [next, own].filter((row) => row !== undefined && row !== quickest) as Row[]
  return html`<ul class="answers" aria-label="The answer in short: round trips, p50; ${describe(mainSituation(results.rows))}">
${tile(quickest, quickest.ratioToFloor === null ? 'round trip, p50' : `round trip, p50: ${ratio(quickest.ratioToFloor)} times blocking C`)}
${others.map((row) => tile(row, `${row === own ? "with Node's own messages" : 'the next one'}: ${times(row, quickest)}`))}
</ul>`
}

const tile = (row: Row, says: string) =>
  html`<li class="${kindOf(row)}"><b>${nameOf(row)}</b><strong>${row.noisy ? '≈ ' : ''}${duration(row.rttNs.p50)}</strong><span>${says}</span></li>\n`

const times = (row: Row, quickest: Row) => `${ratio(row.rttNs.p50 / quickest.rttNs.p50)} times as long`

function facts({ machine, plan, parts, command, date, floorMissing, peersMissing }: Results): Html {
  const cores =
    machine.usableCores === machine.cores
      ? integer(machine.cores)
      : `${integer(machine.cores)}, of which ${integer(machine.usableCores)} may be used`
  const missing = [...(floorMissing === undefined ? [] : [`floors: ${floorMissing}`]), ...peersMissing]
  return html`<dl class="facts">
${fact('Machine', `${machine.cpu}${machine.virtual ? ', a virtual machine' : ''}`)}
${fact('Cores', cores)}
${fact('Memory', gibibytes(machine.memoryBytes))}
${fact('Kernel', machine.kernel)}
${fact('Node', machine.node)}
${machine.commit === undefined ? undefined : fact('Commit', machine.commit)}
${fact('Begun', date)}
${fact('Plan', `${plan.repeats} repeats of ${plan.stretches} stretches of ${plan.stretchMs} ms, in turns; at most ${plan.warmUpMs} ms to warm up`)}
${pace(parts)}
${command === undefined ? undefined : html`<div class="long"><dt>Command</dt><dd><code>${command.join(' ')}</code></dd></div>`}
${missing.length === 0 ? undefined : html`<div class="long"><dt>Not measured</dt>${missing.map((what) => html`<dd>${what}</dd>`)}</div>`}
</dl>`
}

function pace(parts: Results['parts']): Html | undefined {
  const known = parts.flatMap(({ paceSpread }) => (paceSpread === null ? [] : [paceSpread]))
  if (known.length === 0) return undefined
  const [best, worst] = [Math.min(...known), Math.max(...known)]
  const range = best === worst ? percent(best) : `${percent(best)} to ${percent(worst)}, by part`
  return fact('Pace of the machine', `certain to ${range}`)
}

const fact = (name: string, value: string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`

const gibibytes = (count: number) => `${(count / 2 ** 30).toFixed(1)} GiB`

const day = (date: string) => date.slice(0, 10)
