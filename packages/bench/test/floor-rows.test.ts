import { spawnSync } from 'node:child_process'
import { peerSchemes } from 'strait'
import { describe, expect, it, vi } from 'vitest'
import { bench } from '../dist/index.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 60_000 })

const hasCompiler = spawnSync('cc', ['--version']).error === undefined

const hasShm = (await peerSchemes()).includes('shm')

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
    for (const row of rows) expect(row.shareOfCopy).toBeNull()
    for (const row of [mem, twin]) expect(row).toMatchObject({ floorNs: null, ratioToFloor: null })
    expect(unix!.floorNs).toBeGreaterThan(0)
    expect(unix!.ratioToFloor! / (unix!.rttNs.p50 / unix!.floorNs!)).toBeCloseTo(1, 3)
  })

  it.skipIf(!hasCompiler || !hasShm)(
    'relates what is written in place to one memcpy, where there are bytes to copy',
    async () => {
      missing.reason = undefined
      const { rows } = await bench({
        urls: ['shm:'],
        modes: ['leased'],
        payloads: [0, 4096],
        floor: true,
        quick: true,
      })
      const [empty, row] = rows
      expect(empty).toMatchObject({ mode: 'leased', floorNs: null, ratioToFloor: null, shareOfCopy: null })
      expect(row).toMatchObject({ mode: 'leased', ratioToFloor: null })
      const copied = 4096 / (row!.floorNs! / 1e9)
      expect(row!.shareOfCopy! / (row!.bytesPerSecond! / copied)).toBeCloseTo(1, 2)
    },
  )

  it('measures the rest and says why where floors cannot be had', async () => {
    missing.reason = 'there is no C compiler'
    const { rows, floorMissing } = await bench({ urls: ['unix:'], floor: true, quick: true })
    expect(floorMissing).toBe('there is no C compiler')
    expect(rows).toMatchObject([{ url: 'unix:', floorNs: null, ratioToFloor: null }])
  })
})
