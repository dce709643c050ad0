/** Colours that differ also to those who see fewer, and text on the background by 4.5 to 1 at least. */
export const COLOURS = `
:root {
  color-scheme: light dark;
  --background: #fcfcfb; --raised: #f2f3f1; --text: #1b1f24; --muted: #59626d; --line: #e0e3e7;
  --context: #cbd1d8; --shm: #b93a08; --ours: #1d5c9f; --peer: #656e7a; --warning: #fff0cc; --on-warning: #5c3d00;
  --series-1: #1d5c9f; --series-2: #b93a08; --series-3: #00704f; --series-4: #963a8a; --series-5: #755700;
  --series-6: #3f4a56;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --background: #14171b; --raised: #1e2329; --text: #e8eaed; --muted: #a5afba; --line: #2c333b;
    --context: #47515c; --shm: #ff9d5c; --ours: #7db7f5; --peer: #9ea9b5; --warning: #4a3503; --on-warning: #ffe3a1;
    --series-1: #7db7f5; --series-2: #ff9d5c; --series-3: #3fcf9f; --series-4: #e19bd6; --series-5: #e3c04f;
    --series-6: #c3cbd4;
  }
}
`

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

export const PAGE = `${COLOURS}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--background); color: var(--text); font: 1rem/1.55 ${FONT}; }
header, nav, main, footer { max-width: 59rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 3rem; }
h1 { font-size: clamp(1.7rem, 5vw, 2.6rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 0.5rem; text-wrap: balance; }
h2 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -0.01em; margin: 0 0 0.5rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 0; }
a { color: var(--ours); }
:focus-visible { outline: 3px solid var(--ours); outline-offset: 3px; border-radius: 3px; }
.lead { font-size: 1.15rem; color: var(--muted); margin: 0; }
.banner { background: var(--warning); color: var(--on-warning); border-left: 0.4rem solid currentColor;
  padding: 0.9rem 1.2rem; margin: 1.75rem 0 0; border-radius: 0.3rem; }
.banner h2 { font-size: 1.1rem; margin: 0; }
.banner p { margin: 0.25rem 0 0; }
.banner li { overflow-wrap: anywhere; }
.answers { list-style: none; display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem;
  padding: 0; margin: 2rem 0 0; }
.answers li { background: var(--raised); border-radius: 0.6rem; padding: 1rem 1.2rem; }
.answers strong { display: block; font-size: 2rem; line-height: 1.2; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.answers .shm strong { color: var(--shm); }
.answers b { display: block; overflow-wrap: anywhere; }
.answers span { color: var(--muted); font-size: 0.92rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 0.7rem 1.5rem; margin: 2rem 0 0;
  font-size: 0.92rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.facts .long { grid-column: 1 / -1; }
nav { margin-top: 2rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.3rem 1.4rem; padding: 0.9rem 0; margin: 0;
  border-block: 1px solid var(--line); font-size: 0.95rem; }
section { padding-top: 3.5rem; }
.text { max-width: 44rem; margin: 0 0 1.25rem; }
figure { margin: 0.75rem 0 0; }
figcaption { display: flex; flex-wrap: wrap; gap: 0.1rem 1.4rem; font-size: 0.9rem; color: var(--muted); margin-bottom: 0.75rem; }
.plot { display: block; max-width: 100%; height: auto; font-family: ${FONT}; }
.plot text { white-space: pre; }
.narrow { display: none; width: 100%; max-width: 30rem; }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--ours); width: fit-content; padding: 0.2rem 0; }
.scroll { overflow-x: auto; max-width: 100%; margin-top: 0.75rem; }
table { border-collapse: collapse; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding-bottom: 0.4rem; }
th, td { text-align: right; padding: 0.3rem 0.75rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { white-space: normal; vertical-align: bottom; }
th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0; background: var(--background); }
footer { color: var(--muted); font-size: 0.9rem; padding-block: 4rem 3rem; }
code { font: 0.92em ui-monospace, 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media screen and (max-width: 47rem) {
  .wide { display: none; }
  .narrow { display: block; }
  header { padding-top: 1.75rem; }
  section { padding-top: 2.5rem; }
}
@media print {
  @page { margin: 1.5cm; }
  body { font-size: 10pt; }
  header, nav, main, footer { max-width: none; padding-inline: 0; }
  nav, summary { display: none; }
  section { padding-top: 1.5rem; }
  h2, h3, .text, figcaption { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  details::details-content { content-visibility: visible; display: block; }
  .scroll { overflow: visible; }
  table { font-size: 6.5pt; width: 100%; }
  th, td { padding: 0.1rem 0.25rem; white-space: normal; }
  th:first-child { position: static; white-space: nowrap; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
`
