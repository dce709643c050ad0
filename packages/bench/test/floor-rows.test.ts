import { spawnSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import { bench } from '../dist/index.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 60_000 })

const hasCompiler = spawnSync('cc', ['--version']).error === undefined

const missing = vi.hoisted(() => ({ reason: undefined as string | undefined }))
vi.mock('../dist/floor-build.js', async (original) => {
  const { buildFloors } = await original<typeof import('../dist/floor-build.js')>()
  const build = () =>
    missing.reason === undefined ? buildFloors() : Promise.reject(new Error(missing.reason))
  return { buildFloors: build }
})

describe('bench with floors', () => {
  it.skipIf(!hasCompiler)('relates a transport to its floor, and only where there is one', async () => {
    missing.reason = undefined
    const { rows, floorMissing } = await bench({
      urls: ['mem:', 'unix:'],
      floor: true,
      peers: true,
      quick: true,
    })
    expect(floorMissing).toBeUndefined()
    const [mem, unix, twin] = rows
    for (const row of [mem, twin]) expect(row).toMatchObject({ floorNs: null, ratioToFloor: null })
    expect(unix!.floorNs).toBeGreaterThan(0)
    expect(unix!.ratioToFloor! / (unix!.rttNs.p50 / unix!.floorNs!)).toBeCloseTo(1, 3)
  })

  it('measures the rest and says why where floors cannot be had', async () => {
    missing.reason = 'there is no C compiler'
    const { rows, floorMissing } = await bench({ urls: ['unix:'], floor: true, quick: true })
    expect(floorMissing).toBe('there is no C compiler')
    expect(rows).toMatchObject([{ url: 'unix:', floorNs: null, ratioToFloor: null }])
  })
})
