import { describe, expect, it } from 'vitest'
import { compile, headers, sources } from './support/compilers.js'
import { has } from './support/programs.js'

// What g++ says of it is seen where it is built once more: no-external-buffers.test.ts.
describe.skipIf(headers === undefined || !has('clang++'))('the native code', () => {
  it('compiles without a warning by clang++ too (skipped without it and the headers of Node)', () => {
    expect(sources.length).toBeGreaterThan(0)
    expect(compile('clang++', ['-fsyntax-only', ...sources])).toBe('')
  })
})
