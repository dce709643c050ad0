import { writeFile } from 'node:fs/promises'
import type { Results } from '@strait/bench'

/** Writes the page for people. What draws is loaded only for it, for that takes its time. */
export async function writeHtml(file: string, results: Results): Promise<void> {
  const { htmlReport } = await import('@strait/report')
  await writeFile(file, htmlReport(results))
}
