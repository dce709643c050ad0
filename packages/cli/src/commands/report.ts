import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { writeHtml } from '../bench/html.js'
import { readResults } from '../bench/results-file.js'
import { EXIT_CODES, UsageError } from '../exit.js'
import { printJson } from '../terminal.js'

interface ReportOptions {
  html?: string
  svg?: string
  json?: boolean
}

export function addReport(program: Command): void {
  program
    .command('report')
    .description('Draw what strait bench --json has printed')
    .argument('<results>', 'the file with it')
    .option('--html <file>', 'write a page with charts, one file that needs no network')
    .option('--svg <file>', 'write the chart of the round trips alone')
    .option('--json', 'print what was written, as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ strait report results.json --html report.html
  $ strait report results.json --svg round-trips.svg
${EXIT_CODES}`,
    )
    .action(run)
}

async function run(file: string, { html, svg, json }: ReportOptions): Promise<void> {
  if (html === undefined && svg === undefined)
    throw new UsageError('say what to write: --html <file> or --svg <file>')
  const results = await readResults(file)
  if (html !== undefined) await writeHtml(html, results)
  if (svg !== undefined) {
    const { mainChart } = await import('@strait/report')
    await writeFile(svg, mainChart(results))
  }
  if (json) printJson({ html, svg })
}
