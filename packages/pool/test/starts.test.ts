import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from '@strait/pool'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type * as Jobs from './jobs.mjs'
import { turn } from './support/processes.js'

const entry = new URL('./jobs.mjs', import.meta.url)

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-pool-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

describe('workers that cannot be started', () => {
  it('are given up after three in a row, until somebody asks again', async () => {
    const file = join(directory, 'starts')
    const starts = () => readFileSync(file, 'utf8').trimEnd().split('\n').length
    const pool = new Pool<typeof Jobs>({
      entry,
      workers: 2,
      initialize: { name: 'setUp', args: ['fails'] },
      execArgv: ['--import', new URL('support/count-starts.mjs', import.meta.url).href],
      env: { ...process.env, STARTS: file },
    })
    await expect(pool.ready()).rejects.toThrow('cannot be set up')
    // Those that were being started meanwhile end too. In the time of this others would come.
    await using other = new Pool<typeof Jobs>({ entry, workers: 1 })
    expect(await other.run('add', [1, 2])).toBe(3)
    while (pool.statistics.starting > 0) await turn()
    const first = starts()
    expect(first).toBeLessThanOrEqual(4)
    await using another = new Pool<typeof Jobs>({ entry, workers: 1 })
    expect(await another.run('add', [1, 2])).toBe(3)
    expect(starts()).toBe(first)

    await expect(pool.run('add', [1, 2])).rejects.toThrow('cannot be set up')
    expect(starts()).toBeGreaterThan(first)
    const second = starts()
    await expect(pool.ready()).rejects.toThrow('cannot be set up')
    expect(starts()).toBeGreaterThan(second)
    await pool.close()
  })

  it('are started anew for who asks while others of them are on their way still', async () => {
    await using pool = new Pool<typeof Jobs>({
      entry,
      workers: 4,
      initialize: { name: 'setUp', args: ['fails'] },
      url: 'worker:',
    })
    await expect(pool.ready()).rejects.toThrow('cannot be set up')
    expect(pool.statistics.starting).toBeGreaterThan(0)
    await expect(pool.ready()).rejects.toThrow('cannot be set up')
    await expect(pool.run('add', [1, 2])).rejects.toThrow('cannot be set up')
  })

  it('are gone when the pool is closed, and fail nothing behind it', async () => {
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', onUnhandled)
    try {
      // By chance some of them are in the middle of their ends.
      for (let turn = 0; turn < 12; turn++) {
        const pool = new Pool<typeof Jobs>({
          entry,
          workers: 4,
          initialize: { name: 'setUp', args: ['fails'] },
          url: 'worker:',
        })
        await expect(pool.ready()).rejects.toThrow('cannot be set up')
        await pool.close()
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', onUnhandled)
    }
  })
})
