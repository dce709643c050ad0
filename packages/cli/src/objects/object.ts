import type { Process } from './processes.js'
import type { LockKind } from './region-image.js'

export type Kind =
  | 'listener'
  | 'socket'
  | 'record'
  | 'shm'
  | 'sem'
  | 'mq'
  | 'sysv-shm'
  | 'sysv-sem'
  | 'sysv-mq'
  | 'locks'
  | LockKind

/**
 * - `in use`: a process has it, or the kernel counts somebody.
 * - `unused`: of the processes that may be looked into, nobody has it. Its name may be meant to last all the same.
 * - `dead`: a killed process left it, and nobody will miss it.
 * - `unknown`: the kernel does not keep count of who uses such an object.
 */
export type State = 'in use' | 'unused' | 'dead' | 'unknown'

/** Of a lock, the thread as well, where it is not the main one. */
export interface Holder extends Process {
  readonly thread?: number
}

/** An object of the system that has a name. */
export interface IpcObject {
  /** What `strait rm` takes. */
  readonly name: string
  readonly kind: Kind
  readonly state: State
  /** Whose it is, where the system says so. */
  readonly uid?: number
  readonly bytes?: number
  /** Who has it, of the processes that may be looked into. */
  readonly holders: readonly Holder[]
  /** Of a lock: how many wait for it. */
  readonly waiting?: number
  /** What else there is to say. */
  readonly details?: string
  /** Where it is a file, or of System V the number. */
  readonly path?: string
  readonly id?: number
}

export interface Found {
  readonly objects: readonly IpcObject[]
  readonly notes: readonly Note[]
}

/** What could not be seen, and what mends that. */
export interface Note {
  readonly problem: string
  readonly mend?: string
}

/** A part of a name, such that it stands in a URL and on one line. */
export function encodeName(text: string): string {
  return text.replace(/[^\w./~@+:,=-]/gu, encodeURIComponent)
}
