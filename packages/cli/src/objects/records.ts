import { lstatSync } from 'node:fs'
import { basename } from 'node:path'
import { systemError } from '@strait/core/node'
import { type FoundRecord, findRecords, runtimeDirectory } from '@strait/rendezvous'
import { encodeName, type IpcObject, type Note } from './object.js'
import type { Processes } from './processes.js'

/** What Strait made under a name, and who answers for it. Only this user's: nobody may look at another's. */
export function readRecords(): { records: FoundRecord[]; notes: Note[] } {
  try {
    return { records: findRecords({ remove: false }), notes: [] }
  } catch (error) {
    const { reason } = systemError(error, 'ls', runtimeDirectory())
    return {
      records: [],
      notes: [{ problem: `the records in ${runtimeDirectory()} are not shown: ${reason}` }],
    }
  }
}

export function describeRecord(record: FoundRecord, processes: Processes): IpcObject | undefined {
  const stat = lstatSync(record.path, { throwIfNoEntry: false })
  if (stat === undefined) return undefined
  const contents = recordContents(record)
  return {
    name: recordName(record),
    kind: 'record',
    state: record.alive ? 'in use' : 'dead',
    uid: stat.uid,
    holders: processes.havingFile(stat),
    details: contents.length === 0 ? 'of nothing yet' : `of ${contents.join(', ')}`,
    path: record.path,
  }
}

export const recordName = ({ path }: FoundRecord): string => `record:${basename(path, '.record')}`

export const recordContents = ({ objects }: FoundRecord): string[] =>
  objects.map(({ kind, name }) => `${kind} ${encodeName(name)}`)
