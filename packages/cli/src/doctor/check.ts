/**
 * - `ok`: as it should be.
 * - `warn`: something does not work, or will not for long; the rest does.
 * - `broken`: nothing much works.
 */
export type Verdict = 'ok' | 'warn' | 'broken'

export type Group = 'machine' | 'limits' | 'parts' | 'transports'

export interface Check {
  readonly group: Group
  readonly name: string
  readonly verdict: Verdict
  readonly value: string | number
  /** What it limits, or what it is for. */
  readonly about?: string
  /** The command that changes a limit. */
  readonly change?: string
  /** What is wrong, where something is. */
  readonly problem?: string
  /** What mends it: a command, or what to do. */
  readonly mend?: string
}

/** What is wrong with it, if something is. */
export interface Trouble {
  readonly verdict?: Exclude<Verdict, 'ok'>
  readonly problem: string
  readonly mend?: string
}

export function check(
  group: Group,
  name: string,
  value: string | number,
  { about, trouble }: { about?: string; trouble?: Trouble | undefined } = {},
): Check {
  const words = about === undefined ? {} : { about }
  return trouble === undefined
    ? { group, name, verdict: 'ok', value, ...words }
    : { group, name, verdict: 'warn', value, ...words, ...trouble }
}

/** `12.0 GiB`. */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1)
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toPrecision(value >= 1000 ? 4 : 3)} ${units[power]}`
}
