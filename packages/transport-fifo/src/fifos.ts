import { constants, fstatSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { StraitError } from '@strait/core'
import { ASIDE } from '@strait/core/node'
import { check, kernelError, native } from '@strait/posix'
import { HeldRecord } from '@strait/rendezvous'

const {
  O_ACCMODE = 3,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} = constants as typeof constants & {
  O_ACCMODE?: number
}

const system = native('load')

const ENXIO = -6

/** One end of two FIFOs: what comes in, and what goes out. */
export interface Ends {
  readonly reader: number
  readonly writer: number
}

export function closeEnds({ reader, writer }: Ends): void {
  system.close(reader)
  system.close(writer)
}

/**
 * Two FIFOs, one for each direction, with both ends of each open and without a name any more. A FIFO must have had one:
 * the record knows it for that moment.
 *
 * First the reader is opened, then the writer; each O_NONBLOCK, so neither waits for the other; fifo(7).
 */
export function createFifos(url: URL): { near: Ends; far: Ends } {
  const record = HeldRecord.create('listen')
  const opened: number[] = []
  const open = (path: string, flags: number) => {
    const descriptor = check(system.open(path, flags | O_NONBLOCK | O_NOFOLLOW, 0), 'listen', url.href)
    opened.push(descriptor)
    return descriptor
  }
  const create = (name: string) => {
    const path = join(record.directory, name)
    record.add({ kind: 'fifo', name })
    check(system.mkfifo(path, 0o600), 'listen', url.href)
    try {
      return { reader: open(path, O_RDONLY), writer: open(path, O_WRONLY) }
    } finally {
      unlinkSync(path)
    }
  }
  try {
    const there = create(`${record.name}-there`)
    const back = create(`${record.name}-back`)
    return {
      near: { reader: back.reader, writer: there.writer },
      far: { reader: there.reader, writer: back.writer },
    }
  } catch (error) {
    for (const descriptor of opened) system.close(descriptor)
    throw error
  } finally {
    record.release()
  }
}

/**
 * The ends that a listener passed, opened anew: a passed descriptor shares its flags with whoever passed it, and one
 * that cleared O_NONBLOCK would block our event loop.
 *
 * - Errors: `CORRUPT` they are no FIFO ends; `RESET` the listener is gone. What was passed is closed in any case.
 */
export function reopenFifos([passedReader, passedWriter]: readonly number[], url: URL): Ends {
  let reader: number | undefined
  try {
    reader = reopen(passedReader!, O_RDONLY, url)
    return { reader, writer: reopen(passedWriter!, O_WRONLY, url) }
  } catch (error) {
    if (reader !== undefined) system.close(reader)
    throw error
  } finally {
    system.close(passedReader!)
    system.close(passedWriter!)
  }
}

function reopen(passed: number, access: number, url: URL): number {
  const context = { operation: 'connect', url }
  if (!fstatSync(passed, ASIDE).isFIFO() || (system.statusFlags(passed) & O_ACCMODE) !== access) {
    const what = access === O_RDONLY ? 'reading' : 'writing'
    throw new StraitError('CORRUPT', `the listener passed something else than a FIFO for ${what}`, context)
  }
  const descriptor = system.open(`/proc/self/fd/${passed}`, access | O_NONBLOCK, 0)
  if (descriptor === ENXIO) throw new StraitError('RESET', 'the listener went away', context)
  if (descriptor < 0) throw kernelError(descriptor, 'connect', url.href)
  return descriptor
}
