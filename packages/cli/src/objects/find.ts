import { existsSync } from 'node:fs'
import { StraitError } from 'strait'
import { describePosixFile, findPosixFiles } from './files.js'
import { findLocks } from './locks.js'
import type { Found, Note } from './object.js'
import { Processes } from './processes.js'
import { describeRecord, readRecords } from './records.js'
import { findSockets } from './sockets.js'
import { findSystemV } from './sysv.js'

/**
 * Every IPC object of this machine that has a name, as far as this user may see.
 *
 * - Errors: `NOT_SUPPORTED` there is no Linux and no /proc.
 */
export function findObjects(operation: string): Found {
  if (!existsSync('/proc/net/unix')) {
    throw new StraitError('NOT_SUPPORTED', 'this reads /proc of Linux, which is not there', { operation })
  }
  const { records, notes: ofRecords } = readRecords()
  const { files, notes: ofFiles } = findPosixFiles()
  const processes = Processes.look([...records, ...files].map(({ path }) => path))
  const { objects: sockets, notes: ofSockets } = findSockets(processes)
  const { objects: locks, rest } = findLocks(files, processes)
  const objects = [
    ...sockets.sort((a, b) => a.kind.localeCompare(b.kind) || a.name.localeCompare(b.name)),
    ...records.flatMap((record) => describeRecord(record, processes) ?? []),
    ...locks,
    ...rest.map((file) => describePosixFile(file, processes)),
    ...findSystemV(processes, records),
  ]
  return { objects, notes: [...ofSockets, ...ofRecords, ...ofFiles, ...hiddenNote(processes.hidden)] }
}

function hiddenNote(hidden: number): Note[] {
  if (hidden === 0) return []
  const who = hidden === 1 ? '1 process' : `${hidden} processes`
  return [{ problem: `${who} could not be looked into; what nobody else has shows as unused` }]
}
