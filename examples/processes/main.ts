import { parseArgs } from 'node:util'
import { counter, tellCounter } from './counter.js'
import { fibs, tellFibs } from './fib.js'
import { owner, tellOwner } from './owner.js'

const HELP = `node examples/dist/processes/main.js [counter | fib | owner] … [--json]

  counter  5,000 tasks add to one number, without a lock and with a Mutex
  fib      fib(10) to fib(19) in ten processes, which fill one table
  owner    a lock whose owner is killed, and those who come after it

All of them, if none is named. --json prints the results as one object.`

const show =
  <T>(run: () => Promise<T>, tell: (result: T) => string[]) =>
  async () => {
    const result = await run()
    return { result, lines: tell(result) }
  }

const demonstrations = {
  counter: show(counter, tellCounter),
  fib: show(fibs, tellFibs),
  owner: show(owner, tellOwner),
}

type Name = keyof typeof demonstrations

function read(): { json: boolean; help: boolean; names: Name[] } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  })
  const unknown = positionals.find((name) => !Object.hasOwn(demonstrations, name))
  if (unknown !== undefined) throw new TypeError(`Unknown argument '${unknown}'`)
  const names = (positionals.length > 0 ? positionals : Object.keys(demonstrations)) as Name[]
  return { ...values, names }
}

async function main({ json, help, names }: ReturnType<typeof read>): Promise<void> {
  if (help) return console.log(HELP)
  const results: Partial<Record<Name, object>> = {}
  for (const name of names) {
    const { result, lines } = await demonstrations[name]()
    results[name] = result
    if (!json) for (const line of lines) console.log(`${name}: ${line}`)
  }
  if (json) console.log(JSON.stringify(results))
}

let asked: ReturnType<typeof read> | undefined
try {
  asked = read()
} catch (error) {
  console.error(`${(error as Error).message}\n\n${HELP}`)
  process.exitCode = 2
}
if (asked !== undefined) await main(asked)
