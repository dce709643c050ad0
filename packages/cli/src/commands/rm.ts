import { systemError } from '@strait/core/node'
import { findRecords, runtimeDirectory } from '@strait/rendezvous'
import type { Command } from 'commander'
import { decodePath, parseAddress } from 'strait'
import { EXIT_CODES, Failure, UsageError } from '../exit.js'
import { QUEUES_ARE_HIDDEN, queueDirectory } from '../objects/files.js'
import { findObjects } from '../objects/find.js'
import type { IpcObject } from '../objects/object.js'
import { recordContents, recordName } from '../objects/records.js'
import { removeObject, removeSocketFile } from '../objects/remove.js'
import { print, printJson } from '../terminal.js'

interface RmOptions {
  dead?: boolean
  force?: boolean
  json?: boolean
}

interface Removed {
  readonly name: string
  /** Of a record: what it named. */
  readonly contents?: readonly string[]
}

interface Refused {
  readonly name: string
  readonly reason: string
}

export function addRm(program: Command): void {
  program
    .command('rm')
    .argument('[name...]', 'what strait ls prints, or the path of a socket file')
    .description('Remove the names of IPC objects that nobody uses')
    .option('--dead', 'remove what killed processes of this user left: by its records, and regions of locks')
    .option('--force', 'also what is in use, what may be, and what another user owns')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Removed is the name. Who has the object already keeps it, except System V
semaphores and queues: they are gone at once. A socket file is removed when a
connection to it is refused. An abstract name goes with its process.

Examples:
  $ strait rm --dead
  $ strait rm shm:/psm_1f2e3d4c sysv-mq@32768
  $ strait rm unix:/tmp/a.sock
  $ strait rm --json --dead | jq -r '.removed[].name'
${EXIT_CODES}`,
    )
    .action(run)
}

async function run(names: readonly string[], { dead, force = false, json }: RmOptions): Promise<void> {
  if (names.length === 0 && !dead) throw new UsageError('rm: name what to remove, or say --dead')
  const targets = names.map((name) => ({ name, path: socketPath(name) }))
  const removed: Removed[] = dead ? [...removeDead(), ...removeDeadRegions()] : []
  const refused: Refused[] = []
  for (const { name, path } of targets) {
    try {
      if (path === undefined) removeObject(findByName(name), { force })
      else await removeSocketFile(path, { force })
      removed.push({ name })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      refused.push({ name, reason: error.message })
    }
  }
  if (json) printJson({ removed, refused })
  else if (removed.length > 0) print(removed.map(lineOf).join('\n'))
  else if (refused.length === 0) print('nothing dead')
  if (refused.length === 0) return
  throw new Failure(refused.map(({ name, reason }) => `rm ${name}: ${reason}`).join('\nstrait: '))
}

/** The path of a socket file, if it is one's name: a path, `unix:/path`, or any address with `?at=`. */
function socketPath(name: string): string | undefined {
  if (name.startsWith('/')) return name
  if (!/^[a-z][a-z0-9+-]*[:@]./.test(name)) {
    throw new UsageError(`rm ${name}: not a name as strait ls prints it, nor the path of a socket file`)
  }
  if (!/^(unix|zmq\+ipc):\/|[?&]at=/.test(name)) return undefined
  const url = parseAddress(name, 'rm')
  return url.searchParams.get('at') ?? decodePath(url, 'rm')
}

function findByName(name: string): IpcObject {
  const object = findObjects('rm').objects.find((object) => object.name === name)
  if (object !== undefined) return object
  if (name.startsWith('mq:/') && queueDirectory() === undefined)
    throw new Failure(`${QUEUES_ARE_HIDDEN.problem}: ${QUEUES_ARE_HIDDEN.mend}`)
  throw new Failure('there is no such object; strait ls --all shows what there is')
}

function removeDead(): Removed[] {
  try {
    return findRecords({ remove: true })
      .filter(({ alive }) => !alive)
      .map((record) => ({ name: recordName(record), contents: recordContents(record) }))
  } catch (error) {
    throw new Failure(`rm --dead: ${systemError(error, 'rm', runtimeDirectory()).reason}`)
  }
}

/** Of this user. Another process that does the same meanwhile is none to complain of. */
function removeDeadRegions(): Removed[] {
  const uid = process.geteuid?.()
  const regions = findObjects('rm').objects.filter(
    (object) => object.kind === 'locks' && object.state === 'dead' && object.uid === uid,
  )
  return regions.flatMap((region) => {
    try {
      removeObject(region, { force: false })
      return [{ name: region.name }]
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return []
    }
  })
}

const lineOf = ({ name, contents = [] }: Removed) => `removed ${[name, ...contents].join(', ')}`
