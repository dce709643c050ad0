import { readFile } from 'node:fs/promises'
import type { Results } from '@strait/bench'
import { UsageError } from '../exit.js'

/** What a run has left in a file. Rejects with a UsageError where that is something else. */
export async function readResults(file: string): Promise<Results> {
  let results: { readonly version?: unknown } | null
  try {
    results = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`)
  }
  if (results?.version !== 1)
    throw new UsageError(`${file} is not what strait bench --json of this version prints`)
  return results as Results
}
