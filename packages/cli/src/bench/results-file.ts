import { access, constants, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
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
  if (results?.version !== 2)
    throw new UsageError(`${file} is not what strait bench --json of this version prints`)
  return results as Results
}

/** Before a long run, that its results will have a place. Rejects with a UsageError; nothing is made or changed. */
export async function checkWritable(file: string): Promise<void> {
  const existing = await stat(file).catch(() => undefined)
  if (existing?.isDirectory()) throw new UsageError(`${file} is a directory`)
  try {
    await access(existing === undefined ? dirname(file) : file, constants.W_OK)
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${(error as Error).message}`)
  }
}
