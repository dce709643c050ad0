import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { systemError } from '@strait/core/node'
import { native, supported } from '@strait/posix'
import { findRecords, runtimeDirectory } from '@strait/rendezvous'
import { loadTransport, StraitError, schemes } from 'strait'
import { self } from '../terminal.js'
import { type Check, check, type Trouble } from './check.js'

export function checkParts(): Check[] {
  return process.platform === 'linux' ? [addon(), runtime(), ...TOOLS.map(tool)] : [addon()]
}

function addon(): Check {
  const about = 'mechanisms of the kernel'
  if (supported) return check('parts', 'native addon', 'loads', { about })
  return check('parts', 'native addon', 'does not load', { about, trouble: whyNoAddon() })
}

function whyNoAddon(): Trouble {
  try {
    native()
    return { problem: 'it does not load' }
  } catch (error) {
    return troubleOf(error)
  }
}

/** What follows a semicolon says what to do about it. */
function troubleOf(error: unknown): Trouble {
  if (!StraitError.is(error)) throw error
  const [problem = '', mend] = error.reason.split(/; (.*)/)
  return mend === undefined ? { problem } : { problem, mend }
}

function runtime(): Check {
  const directory = runtimeDirectory()
  const about = 'records; made when needed'
  const elsewhere = 'export XDG_RUNTIME_DIR=… names a directory that is yours alone'
  if (!existsSync(directory)) {
    const parent = dirname(directory)
    const trouble = { problem: `it cannot be made in ${parent}`, mend: elsewhere }
    return check('parts', 'runtime directory', directory, {
      about,
      trouble: may(parent, constants.W_OK | constants.X_OK) ? undefined : trouble,
    })
  }
  try {
    const dead = supported ? findRecords({ remove: false }).filter(({ alive }) => !alive).length : 0
    const trouble = {
      problem: `killed processes left ${dead === 1 ? 'a record' : `${dead} records`} in ${directory}`,
      mend: `${self} rm --dead`,
    }
    return check('parts', 'runtime directory', directory, {
      about,
      trouble: dead > 0 ? trouble : undefined,
    })
  } catch (error) {
    const { reason } = systemError(error, 'doctor', directory)
    return check('parts', 'runtime directory', directory, {
      about,
      trouble: { problem: reason, mend: elsewhere },
    })
  }
}

interface Tool {
  readonly name: string
  readonly about: string
  /** Where Debian has it. */
  readonly debian: string
}

const TOOLS: readonly Tool[] = [
  { name: 'cc', about: 'builds the addon, floors', debian: 'build-essential' },
  { name: 'python3', about: 'builds the addon; peers', debian: 'python3' },
  { name: 'taskset', about: 'bench: pins its ends', debian: 'util-linux' },
  { name: 'ipcrm', about: 'rm: System V objects', debian: 'util-linux' },
  { name: 'ss', about: 'ls: names of listeners', debian: 'iproute2' },
]

function tool({ name, about, debian }: Tool): Check {
  const directories = (process.env.PATH ?? '').split(delimiter)
  const path = directories.map((directory) => join(directory, name)).find((path) => may(path, constants.X_OK))
  const trouble = { problem: `${name} is not there, for: ${about}`, mend: `sudo apt-get install ${debian}` }
  return check('parts', name, path ?? 'not found', {
    about,
    trouble: path === undefined ? trouble : undefined,
  })
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

/** Without these there is no Strait; the others need something that may be missing. */
const ESSENTIAL: readonly string[] = ['mem', 'unix', 'tcp', 'fork', 'worker']

export async function checkTransports(): Promise<Check[]> {
  const checks: Check[] = []
  for (const scheme of schemes) checks.push(await transport(scheme))
  return checks
}

async function transport(scheme: string): Promise<Check> {
  try {
    const { capabilities } = await loadTransport(scheme)
    return check('transports', `${scheme}:`, 'loads', { about: REACHES[capabilities.scope] })
  } catch (error) {
    const trouble = troubleOf(error)
    return check('transports', `${scheme}:`, 'does not load', {
      trouble: ESSENTIAL.includes(scheme) ? { ...trouble, verdict: 'broken' } : trouble,
    })
  }
}

const REACHES = {
  process: 'within this process',
  family: 'parent and child',
  host: 'any process of this machine',
  network: 'any machine',
} as const
