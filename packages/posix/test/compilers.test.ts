import { describe, expect, it } from 'vitest'
import { compile, headers, sources } from './support/compilers.js'
import { has } from './support/programs.js'

describe.skipIf(headers === undefined)('the native code (skipped without the headers of Node)', () => {
  for (const compiler of ['g++', 'clang++']) {
    it.skipIf(!has(compiler))(
      `compiles without a warning: ${compiler} (skipped where it is not there)`,
      () => {
        expect(sources.length).toBeGreaterThan(0)
        expect(compile(compiler, ['-fsyntax-only', ...sources])).toBe('')
      },
    )
  }
})
