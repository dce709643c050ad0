import { peerSchemes } from 'strait'
import { describe, expect, it, vi } from 'vitest'
import { bench, canBlock } from '../dist/index.js'

vi.setConfig({ testTimeout: 60_000 })

const schemes = await peerSchemes()

describe('bench', () => {
  it('has a row for each size and URL, and tells how far it is', async () => {
    const progress: string[] = []
    const { rows, machine } = await bench({
      urls: ['mem:', 'unix:'],
      payloads: [1, 5000],
      quick: true,
      onProgress: ({ payloadBytes, step, steps }) => progress.push(`${payloadBytes}: ${step}/${steps}`),
    })
    expect(rows.map(({ url, payloadBytes }) => [url, payloadBytes])).toEqual([
      ['mem:', 1],
      ['unix:', 1],
      ['mem:', 5000],
      ['unix:', 5000],
    ])
    for (const { bytesPerSecond, messagesPerSecond, payloadBytes } of rows) {
      // Both are whole numbers.
      expect(Math.abs(bytesPerSecond! - messagesPerSecond! * payloadBytes)).toBeLessThan(payloadBytes)
    }
    expect(progress).toEqual(['1: 1/2', '1: 2/2', '5000: 1/2', '5000: 2/2'])
    expect(machine.node).toBe(process.version)
  })

  it('measures each mode in a row of its own, and no throughput between pauses', async () => {
    const modes = ['parked', 'paced', 'hot'] as const
    const { rows } = await bench({ urls: ['mem:'], modes, payloads: [0], quick: true })
    const figure = expect.any(Number)
    expect(rows).toMatchObject([
      { mode: 'parked', messagesPerSecond: null, bytesPerSecond: null, bothWaysPerSecond: null },
      { mode: 'paced', messagesPerSecond: null, bytesPerSecond: null, bothWaysPerSecond: null },
      { mode: 'hot', messagesPerSecond: figure, bytesPerSecond: 0, bothWaysPerSecond: figure },
    ])
    for (const { tail, rounds } of rows) {
      expect(tail.collecting + tail.waiting + tail.parked + tail.unexplained).toBe(tail.rounds)
      expect(tail.rounds).toBe(Math.ceil(rounds / 1000))
    }
  })

  it('has no row in mode sync for a transport that cannot block unless it is named, and only shm: has a twin there', async () => {
    const names = async (urls?: string[]) => {
      const { rows } = await bench({ urls, modes: ['sync'], payloads: [1], peers: true, quick: true })
      return rows.map(({ url, peer }) => peer ?? url)
    }
    const blocking = []
    for (const scheme of schemes) if (await canBlock(`${scheme}:`)) blocking.push(`${scheme}:`)
    expect(await names()).toEqual(
      blocking.flatMap((url) => (url === 'shm:' ? [url, 'the ring alone, Node-API'] : [url])),
    )
    await expect(names(['unix:'])).rejects.toMatchObject({ code: 'ERR_STRAIT_NOT_SUPPORTED' })
  })

  it('has a row in mode leased for a transport that writes in place, and for others an error if named', async () => {
    const names = async (urls?: string[]) => {
      const { rows } = await bench({ urls, modes: ['leased'], payloads: [1], peers: true, quick: true })
      return rows.map(({ url, mode, peer }) => [peer ?? url, mode])
    }
    expect(await names()).toEqual(schemes.includes('shm') ? [['shm:', 'leased']] : [])
    await expect(names(['unix:'])).rejects.toMatchObject({ code: 'ERR_STRAIT_NOT_SUPPORTED' })
  })

  it.skipIf(!schemes.includes('shm'))(
    'has a row for each wait strategy, in the order of the URLs (skipped without the addon)',
    async () => {
      const urls = ['shm:?wait=spin', 'shm:?wait=park', 'shm:']
      const { rows } = await bench({ urls, modes: ['hot', 'sync'], quick: true })
      expect(rows.map(({ mode, url, waitStrategy }) => [mode, url, waitStrategy])).toEqual(
        ['hot', 'sync'].flatMap((mode) => [
          [mode, 'shm:?wait=spin', 'spin'],
          [mode, 'shm:?wait=park', 'park'],
          [mode, 'shm:', 'adaptive'],
        ]),
      )
      for (const { tail } of rows) expect([tail.here.parks, tail.peer!.parks]).not.toContain(null)
    },
  )

  it('has a row for our own and for its twins, as the example shows', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    await import('./example.js')
    const names = log.mock.calls.map(([name]) => name)
    log.mockRestore()
    expect(names.slice(0, 2)).toEqual(['unix:', 'net, Unix socket'])
    const tcp = names.indexOf('tcp:')
    expect(names.slice(tcp, tcp + 2)).toEqual(['tcp:', 'net, TCP'])
  })

  it('leaves nothing running when a transport is not there', async () => {
    await expect(bench({ urls: ['mem:', 'nix:'], quick: true })).rejects.toThrow('there is no transport')
  })
})
