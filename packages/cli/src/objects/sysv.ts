import { existsSync, readFileSync } from 'node:fs'
import type { FoundRecord } from '@strait/rendezvous'
import type { IpcObject } from './object.js'
import type { Processes } from './processes.js'
import { describeRecord } from './records.js'

/** The System V objects of this IPC namespace; sysvipc(7). The kernel may have been built without. */
export function findSystemV(processes: Processes, records: readonly FoundRecord[]): IpcObject[] {
  const recordOf = ({ key }: Row) =>
    records.find(({ objects }) =>
      objects.some(({ kind, name }) => kind === 'sysv-mq' && Number(name) === Number(key)),
    )
  return [
    ...rows('shm').map((row) => segment(row, processes)),
    ...rows('sem').map(semaphores),
    ...rows('msg').map((row) => {
      const record = recordOf(row)
      return queue(row, processes, record && describeRecord(record, processes))
    }),
  ]
}

type Row = Readonly<Record<string, string>>

function rows(table: 'shm' | 'sem' | 'msg'): Row[] {
  let text: string
  try {
    text = readFileSync(`/proc/sysvipc/${table}`, 'utf8')
  } catch {
    return []
  }
  const [head = [], ...lines] = text.trimEnd().split('\n').map(fields)
  return lines.map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index] ?? ''])))
}

const fields = (line: string) => line.trim().split(/\s+/)

function segment(row: Row, processes: Processes): IpcObject {
  const holders = processes.havingSegment(Number(row.shmid), Number(row.key))
  const maker = `made by ${row.cpid}${existsSync(`/proc/${row.cpid}`) ? '' : ', which is gone'}`
  return {
    ...identity('sysv-shm', row, row.shmid),
    state: Number(row.nattch) > 0 ? 'in use' : 'unused',
    bytes: Number(row.size),
    holders,
    ...(holders.length === 0 ? { details: maker } : {}),
  }
}

/** Nothing tells who uses it, nor who made it. */
function semaphores(row: Row): IpcObject {
  const count = Number(row.nsems)
  return {
    ...identity('sysv-sem', row, row.semid),
    state: 'unknown',
    holders: [],
    details: count === 1 ? '1 semaphore' : `${count} semaphores`,
  }
}

/**
 * One of ours is its record's, which tells who has it. Of others there is only who sent or received last; somebody may be
 * waiting for his first message.
 */
function queue(row: Row, processes: Processes, record: IpcObject | undefined): IpcObject {
  const count = Number(row.qnum)
  const messages = count === 1 ? '1 message' : `${count} messages`
  if (record !== undefined) {
    return {
      ...identity('sysv-mq', row, row.msqid),
      state: record.state,
      bytes: Number(row.cbytes),
      holders: record.holders,
      details: `${messages}, of ${record.name}`,
    }
  }
  const holders = [...new Set([row.lspid, row.lrpid])].flatMap((pid) => processes.withPid(Number(pid)))
  return {
    ...identity('sysv-mq', row, row.msqid),
    state: holders.length > 0 ? 'in use' : 'unknown',
    bytes: Number(row.cbytes),
    holders,
    details: messages,
  }
}

/** A key may be private, which is 0 for all of them; the number is the object's own. */
function identity<K extends IpcObject['kind']>(kind: K, row: Row, id: string | undefined) {
  return { name: `${kind}@${id}`, kind, uid: Number(row.uid), id: Number(id) }
}
