import { parseArgs } from 'node:util'
import { barrier, tellBarrier } from './barrier.js'
import { condition, tellCondition } from './condition.js'
import { counter, tellCounter } from './counter.js'
import { event, tellEvent } from './event.js'
import { semaphore, tellSemaphore } from './semaphore.js'

const HELP = `node examples/dist/threads/main.js [counter | semaphore | event | condition | barrier] … [--json]

  counter    5,000 tasks add to one number, without a lock and with a Mutex
  semaphore  a room that lets three in
  event      a starting gun
  condition  a bounded buffer between producers and consumers
  barrier    a sum in phases

All of them, if none is named. --json prints the results as one object.`

const show =
  <T>(run: () => Promise<T>, tell: (result: T) => string[]) =>
  async () => {
    const result = await run()
    return { result, lines: tell(result) }
  }

const demonstrations = {
  counter: show(counter, tellCounter),
  semaphore: show(semaphore, tellSemaphore),
  event: show(event, tellEvent),
  condition: show(condition, tellCondition),
  barrier: show(barrier, tellBarrier),
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
