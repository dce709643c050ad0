import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const program = fileURLToPath(new URL('support/many.mjs', import.meta.url))
const JOBS = process.env.STRAIT_SOAK === 'pool' ? 1_000_000 : 50_000

/** So many bytes each job may keep at most. Each promise that somebody kept would be more. */
const KEPT = 20

it(`${JOBS} jobs leave no memory behind, in the pool or in the worker`, async () => {
  const child = spawn(process.execPath, ['--expose-gc', program, String(JOBS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout!), once(child, 'close')])
  expect(code).toBe(0)
  const { sum, heap, worker } = JSON.parse(output) as { sum: number; heap: number[]; worker: number[] }
  expect(sum).toBe((JOBS * (JOBS - 1)) / 2)
  for (const [before, after] of [heap, worker] as [number, number][])
    expect((after - before) / (JOBS / 2)).toBeLessThan(KEPT)
})
