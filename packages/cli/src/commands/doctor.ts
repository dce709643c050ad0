import { describeMachine } from '@strait/bench'
import type { Command } from 'commander'
import type { Check, Group, Verdict } from '../doctor/check.js'
import { checkLimits } from '../doctor/limits.js'
import { checkMachine } from '../doctor/machine.js'
import { checkParts, checkTransports } from '../doctor/parts.js'
import { EXIT_CODES, Failure } from '../exit.js'
import { integer } from '../format.js'
import { type Column, table } from '../table.js'
import { paint, print, printJson, width } from '../terminal.js'

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('What this machine can do, what limits it, and the command that changes it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Changes nothing. What only warns is no failure.

Examples:
  $ strait doctor
  $ strait doctor --json | jq '.checks[] | select(.verdict != "ok")'
  $ strait doctor --json | jq -r '.checks[] | select(.group == "limits").change'
${EXIT_CODES}`,
    )
    .action(run)
}

async function run({ json }: { json?: boolean }): Promise<void> {
  const checks = [...checkMachine(), ...checkLimits(), ...(await checkTransports()), ...checkParts()]
  if (json) printJson({ machine: await describeMachine(), checks })
  else print(page(checks))
  const broken = checks.filter(({ verdict }) => verdict === 'broken')
  if (broken.length > 0) throw new Failure(`broken: ${broken.map(({ name }) => name).join(', ')}`)
}

const TITLES: Readonly<Record<Group, string>> = {
  machine: 'Machine',
  limits: 'Limits',
  transports: 'Transports',
  parts: 'Parts',
}

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: paint.green('✓ ok'),
  warn: paint.yellow('! warn'),
  broken: paint.red('✗ broken'),
}

function page(checks: readonly Check[]): string {
  const groups = [...new Set(checks.map(({ group }) => group))]
  return [
    ...groups.flatMap((group) =>
      section(
        group,
        checks.filter((check) => check.group === group),
      ),
    ),
    '',
    ...advice(checks.filter(({ verdict }) => verdict !== 'ok')),
    '',
  ].join('\n')
}

function section(group: Group, checks: readonly Check[]): string[] {
  const columns: readonly Column<Check>[] = [
    { head: '', align: 'left', cell: ({ verdict }) => MARKS[verdict] },
    { head: '', align: 'left', cell: ({ name }) => paint.bold(name) },
    {
      head: '',
      align: group === 'limits' ? 'right' : 'left',
      cell: ({ value }) => (typeof value === 'number' ? integer(value) : value),
    },
    { head: '', align: 'left', cell: ({ about = '' }) => paint.dim(about), dispensable: 1 },
  ]
  // There is nothing to say at the head of the columns.
  const lines = table(columns, checks, width()).split('\n').slice(1)
  return ['', paint.bold(TITLES[group]), ...lines, ...(group === 'limits' ? ['', paint.dim(CHANGE)] : [])]
}

const CHANGE = `To change one, here and for good (--json has the command for each):
  ulimit -n     sudo prlimit --pid $$ --nofile=65536   /etc/security/limits.conf
  fs.file-max   sudo sysctl -w fs.file-max=1048576     /etc/sysctl.d`

function advice(checks: readonly Check[]): string[] {
  if (checks.length === 0) return ['Nothing is amiss.']
  const problems = [...new Set(checks.map(({ problem }) => problem))]
  return [
    paint.bold('To mend'),
    ...problems.flatMap((problem) => {
      const alike = checks.filter((check) => check.problem === problem)
      const mend = alike[0]?.mend
      return [
        `  ${problem} (${alike.map(({ name }) => name).join(', ')})`,
        ...(mend === undefined ? [] : [`    ${paint.cyan(mend)}`]),
      ]
    }),
  ]
}
