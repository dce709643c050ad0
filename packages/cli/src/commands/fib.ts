import { describeMachine } from '@strait/bench'
import { type Command, InvalidArgumentError } from 'commander'
import { collect, peerAddresses } from '../address.js'
import { EXIT_CODES, Failure, UsageError } from '../exit.js'
import { countWorkers, expected } from '../fib/check.js'
import { type FibRow, type FibRun, PAYLOAD_BYTES, runFib } from '../fib/run.js'
import { duration } from '../format.js'
import { type Column, table } from '../table.js'
import { paint, print, printJson, self, status, width } from '../terminal.js'

interface FibOptions {
  url?: readonly string[]
  from: number
  to: number
  json?: boolean
}

/** fib(40) takes a second; more only keeps one waiting. */
const LARGEST = 40

export function addFib(program: Command): void {
  program
    .command('fib')
    .description('Fibonacci numbers, each from a process of its own, over every transport')
    .option('--url <url...>', 'transports, such as unix: (default: all)', collect)
    .option('--from <n>', 'first number', number, 10)
    .option('--to <n>', 'last number', number, 19)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ strait fib
  $ strait fib --url unix: tcp: --from 1 --to 4
  $ strait fib --json | jq '.rows[] | { url, rttNs }'
${EXIT_CODES}`,
    )
    .action(fib)
}

function number(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= LARGEST) return value
  throw new InvalidArgumentError(`Must be a whole number from 0 to ${LARGEST}.`)
}

async function fib({ url, from, to, json }: FibOptions): Promise<void> {
  if (from > to) throw new UsageError(`--from ${from} is larger than --to ${to}`)
  const urls = await peerAddresses(url)
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  const runs: FibRun[] = []
  for (const url of urls) {
    runs.push(await runFib(url, numbers, (phase) => status(`${url} ${phase}, ${numbers.length} workers …`)))
  }
  status('')
  const rows = runs.map(({ row }) => row)
  if (json) printJson({ machine: await describeMachine(), rows })
  else print(page(rows, numbers))
  const problems = runs.flatMap((run) => run.problems.map((problem) => `${run.row.url} ${problem}`))
  if (problems.length > 0) throw new Failure(problems.join('\nstrait: '))
}

function page(rows: readonly FibRow[], numbers: readonly number[]): string {
  const [first, last] = [numbers[0]!, numbers.at(-1)!]
  const one = first === last
  const title = one ? `fib(${first}) = ${expected(first)}` : `fib(${first}) … fib(${last})`
  const values = one ? '' : ` = ${expected(first)} … ${expected(last)}`
  return [
    '',
    `${paint.bold(`${title}${values}`)}, each job in a worker of its own`,
    '',
    table(COLUMNS, rows, width()),
    '',
    paint.dim(
      [
        'All workers had answered before the first job was sent; all have ended since.',
        `Round trip: ${PAYLOAD_BYTES} bytes to a worker and back, one at a time, over all workers.`,
        'Jobs: from sending the first until the last result has come.',
      ].join('\n'),
    ),
    '',
    'Next:',
    `  ${paint.cyan(`${self} bench --peers`)}   each transport beside bare Node`,
    `  ${paint.cyan(`${self} --help`)}          talk over any of them from a shell`,
    '',
  ].join('\n')
}

const COLUMNS: readonly Column<FibRow>[] = [
  { head: 'URL', align: 'left', cell: ({ url }) => paint.bold(url) },
  { head: 'workers', cell: ({ jobs }) => workers(jobs) },
  { head: 'right results', cell: ({ jobs }) => verdict(jobs) },
  { head: 'round trip p50', cell: ({ rttNs }) => duration(rttNs.p50) },
  { head: 'p99', cell: ({ rttNs }) => duration(rttNs.p99) },
  { head: 'jobs', cell: ({ wallMs }) => duration(wallMs * 1e6) },
]

function verdict(jobs: FibRow['jobs']): string {
  const right = jobs.filter(({ n, value }) => value === expected(n)).length
  const text = `${right}/${jobs.length}`
  return right === jobs.length ? paint.green(text) : paint.red(text)
}

function workers(jobs: FibRow['jobs']): string {
  const count = countWorkers(jobs)
  const [one, many] = jobs.some(({ tid }) => tid !== undefined)
    ? ['thread', 'threads']
    : ['process', 'processes']
  return `${count} ${count === 1 ? one : many}`
}
