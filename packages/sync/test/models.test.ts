import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { some } from '../../core/test/support/proofs.js'

const spin = spawnSync('spin', ['-V']).status === 0 && spawnSync('cc', ['--version']).status === 0

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-models-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** What Spin says of a model. It writes its checker where it runs. A model has fewer steps than `-m` in a row. */
function check(model: string, ...defines: string[]): string {
  const path = fileURLToPath(new URL(`./models/${model}.pml`, import.meta.url))
  const args = [...defines.map((each) => `-D${each}`), '-run', '-m1000000', path]
  return spawnSync('spin', args, { cwd: directory, encoding: 'utf8' }).stdout
}

function expectSound(model: string, ...defines: string[]): void {
  const said = check(model, ...defines)
  expect(said).toContain('errors: 0')
  expect(said).not.toContain('max search depth too small')
}

describe.skipIf(!spin)('the model of the monitor (needs spin and a C compiler)', () => {
  it.each(some([[[]], [['THREADS=4', 'KILLS=0']], [['KILLS=2']]]))(
    'lets one in at a time, nobody sleep for ever, and one know of a death, with %j',
    (defines) => {
      expectSound('monitor', ...defines)
    },
  )

  it.each(
    some([
      ['DROP_BIT', 'invalid end state'],
      ['LATE_PENDING', 'invalid end state'],
      ['EARLY_END', 'invalid end state'],
      ['CLEAR_BLINDLY', 'assertion violated'],
      ['CLEAR_BY_CAS', 'invalid end state'],
      ['KEEP_DIED', 'assertion violated'],
      ['OLD_KERNEL', 'invalid end state'],
    ]),
  )('finds what happens with %s', (mistake, found) => {
    const said = check('monitor', mistake)
    expect(said).toContain(found)
    expect(said).toContain('errors: 1')
  })
})

describe.skipIf(!spin)('the model of a condition (needs spin and a C compiler)', () => {
  it('lets nobody wait for what has been announced, or whose maker or receiver died', () => {
    expectSound('condition')
  })

  it.each(some(['RELEASE_FIRST', 'ABORT_SWALLOWS', 'SILENT_DEATH', 'NOTIFY_NOBODY', 'LOSE_NOTICE']))(
    'finds what happens with %s',
    (mistake) => {
      expect(check('condition', mistake)).toContain('errors: 1')
    },
  )
})

describe.skipIf(!spin)('the model of a mutex (needs spin and a C compiler)', () => {
  it.each(some([[[]], [['BUSY=2']]]))(
    'lets one have it at a time, nobody wait for what is free, and one know of a death, with %j',
    (defines) => {
      expectSound('mutex', ...defines)
    },
  )

  it.each(
    some([
      ['MARK_BLINDLY', []],
      ['TELL_EARLY', []],
      ['ABORT_SWALLOWS', []],
      ['ABORT_KEEPS_TOLD', []],
      ['LOSER_KEEPS_TOLD', []],
      ['LOSER_LOOKS_ONCE', []],
      ['STALE_KEEPS_TOLD', ['BUSY=2']],
      ['REAP_SILENTLY', []],
      ['FORGET_DEATH', []],
    ]),
  )('finds what happens with %s', (mistake, defines) => {
    const said = check('mutex', mistake, ...defines)
    expect(said).toContain('assertion violated')
    expect(said).toContain('errors: 1')
  })
})

describe.skipIf(!spin)('the model of the ring of watchers (needs spin and a C compiler)', () => {
  const small = ['LEAVER=0', 'AT_ONCE']
  it.each(some([small, ['AT_ONCE']]))(
    'lets no death go unheard, whoever comes or leaves meanwhile, with %s',
    (...defines) => {
      expectSound('ring', ...defines)
    },
  )

  // As small as finds it.
  it.each(
    some([
      ['ASK_LATE', small],
      ['REAP_EARLY', small],
      ['NO_RING', small],
      ['RING_BEFORE_LIFE', small],
      ['RING_OUTSIDE', small],
      ['REBUILD_SILENTLY', small],
      ['REAP_SILENTLY', small],
      ['LEAVE_SILENTLY', ['AT_ONCE']],
      ['FREE_WITHOUT_WAKE', ['KILLS=2', 'AT_ONCE']],
      ['KEEP_WAKE', ['LEAVER=0']],
      ['STAY_QUEUED', ['KILLS=2', 'AT_ONCE']],
    ]),
  )('finds what happens with %s', (mistake, defines) => {
    const said = check('ring', mistake, ...defines)
    expect(said).toContain('assertion violated')
    expect(said).toContain('errors: 1')
  })
})
