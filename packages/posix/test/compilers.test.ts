import { describe, expect, it } from 'vitest'
import { WHOLE } from '../../core/test/support/proofs.js'
import { compile, headers, sources } from './support/compilers.js'
import { has } from './support/programs.js'

// What g++ says of it is seen whenever it is built.
describe.skipIf(!WHOLE || headers === undefined || !has('clang++'))('the native code', () => {
  it('compiles without a warning by clang++ too (in the campaign of proofs; skipped without it and the headers of Node)', () => {
    expect(sources.length).toBeGreaterThan(0)
    expect(compile('clang++', ['-fsyntax-only', ...sources])).toBe('')
  })
})
