import { conformance, type Runner, type Subject } from '@strait/conformance'

const clauseOf = (name: string) => name.split(' ')[0]!

/** A runner that runs everything itself and reports which clauses failed; or what is about one, until that has failed. */
export async function failedClauses(subject: Subject, only?: string): Promise<Map<string, string[]>> {
  const tests: { name: string; body: () => Promise<void> }[] = []
  const runner: Runner = {
    describe: (_, body) => body(),
    it: (name, body) => {
      if (only === undefined || only === clauseOf(name)) tests.push({ name, body })
    },
  }
  conformance(runner, subject)
  const failed = new Map<string, string[]>()
  for (const { name, body } of tests) {
    if (only !== undefined && failed.has(only)) break
    try {
      await body()
    } catch (error) {
      // A leftover is a failure of C11, whichever test found it.
      const left = String((error as Error).message).startsWith('C11')
      const clause = left ? 'C11' : clauseOf(name)
      failed.set(clause, [...(failed.get(clause) ?? []), `${name}: ${(error as Error).message}`])
    }
  }
  return failed
}
