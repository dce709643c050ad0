import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { EXIT_CODES } from '../exit.js'
import { integer } from '../format.js'
import { findObjects } from '../objects/find.js'
import type { Holder, IpcObject, Note } from '../objects/object.js'
import { type Column, table } from '../table.js'
import { paint, print, printJson, self, width } from '../terminal.js'

interface LsOptions {
  all?: boolean
  json?: boolean
}

export function addLs(program: Command): void {
  program
    .command('ls')
    .description('Which IPC objects there are, whose they are, and who has them')
    .option('--all', 'those of other users too')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Shows what has a name: listeners and other sockets that wait, records of what
Strait made, regions of locks with who holds what, POSIX shared memory,
semaphores and queues, and those of System V.
By default this user's, and everybody's listeners.

States:
  in use   a process has it
  unused   no process that may be looked into has it; a name may be meant to last
  dead     a killed process left it; strait rm --dead removes it
  unknown  the kernel does not keep count of who uses it

A socket file that a killed listener left looks like any other until somebody
connects: strait rm unix:/path does.

Examples:
  $ strait ls
  $ strait ls --all
  $ strait ls --json | jq -r '.objects[] | select(.state == "unused").name'
${EXIT_CODES}`,
    )
    .action(run)
}

function run({ all, json }: LsOptions): void {
  const { objects, notes } = findObjects('ls')
  const uid = process.geteuid!()
  const shown = all ? objects : objects.filter((object) => object.uid === uid || object.kind === 'listener')
  if (json) printJson({ objects: shown.map(({ path: _path, id: _id, ...object }) => object), notes })
  else print(page(shown, notes))
}

function page(objects: readonly IpcObject[], notes: readonly Note[]): string {
  const dead = objects.some(({ state }) => state === 'dead')
  return [
    '',
    objects.length === 0 ? '  nothing that has a name' : objectTable(objects),
    '',
    ...notes.flatMap(({ problem, mend }) => [
      paint.dim(problem),
      ...(mend === undefined ? [] : [`  ${paint.cyan(mend)}`]),
    ]),
    ...(notes.length > 0 ? [''] : []),
    ...(dead ? [`Next:\n  ${paint.cyan(`${self} rm --dead`)}   remove what killed processes left`, ''] : []),
  ].join('\n')
}

function objectTable(objects: readonly IpcObject[]): string {
  const users = userNames()
  const columns: readonly Column<IpcObject>[] = [
    { head: 'name', align: 'left', cell: ({ name }) => paint.bold(name) },
    { head: 'state', align: 'left', cell: ({ state }) => (state === 'dead' ? paint.yellow(state) : state) },
    { head: 'bytes', cell: ({ bytes }) => (bytes === undefined ? '' : integer(bytes)), dispensable: 1 },
    {
      head: 'owner',
      align: 'left',
      cell: ({ uid }) => (uid === undefined ? '' : (users.get(uid) ?? String(uid))),
      dispensable: 2,
    },
    { head: 'held by', align: 'left', cell: heldBy },
    { head: '', align: 'left', cell: ({ details = '' }) => paint.dim(details), dispensable: 3 },
  ]
  return table(columns, objects, width())
}

function heldBy({ holders }: IpcObject): string {
  const [first, second] = holders
  if (first === undefined) return ''
  if (second === undefined) return processName(first)
  if (holders.length === 2) return `${processName(first)}, ${processName(second)}`
  return `${processName(first)} and ${holders.length - 1} more`
}

const processName = ({ pid, thread, command }: Holder) =>
  thread === undefined ? `${pid} ${command}` : `${pid} ${command}, thread ${thread}`

function userNames(): Map<number, string> {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
    return new Map(lines.map((line) => line.split(':')).map(([name = '', , uid]) => [Number(uid), name]))
  } catch {
    return new Map()
  }
}
