import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const CASES = fileURLToPath(new URL('./fuzz-cases.mjs', import.meta.url))
const seed = process.env.STRAIT_SEED ?? '1'
const count = process.env.STRAIT_FUZZ_CASES ?? '300'

/** A case that has not ended after so many ms hangs, however busy the machine. */
const HUNG = 60_000

/** What the cases say, and why their process has ended. */
function run(...args: string[]): Promise<{ lines: string[]; end: string }> {
  const child = spawn(process.execPath, [CASES, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  let hung = ''
  const giveUp = () => {
    hung = 'hung, '
    child.kill('SIGKILL')
  }
  let guard = setTimeout(giveUp, HUNG)
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    clearTimeout(guard)
    guard = setTimeout(giveUp, HUNG)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(guard)
      resolve({ lines: output.trim().split('\n'), end: `${hung}${signal ?? code}${errors && `\n${errors}`}` })
    })
  })
}

it(`C13 ${count} peers that do whatever can be done end their channel at most`, async () => {
  const { lines, end } = await run(seed, '0', count)
  const last = lines.at(-1)!
  const again = `node ${CASES} ${seed} ${last.replace('case ', '')} 1`
  expect(end, `${last}; again: ${again}`).toBe('0')
  const outcomes = JSON.parse(last)
  console.log(`seed ${seed}: ${last}`)
  for (const outcome of ['ERR_STRAIT_CORRUPT', 'ERR_STRAIT_RESET', 'open'])
    expect(outcomes[outcome]).toBeGreaterThan(0)
})
