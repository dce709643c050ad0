import { describe, expect, it } from 'vitest'
import { nodeArguments } from '../src/node/node-arguments.js'

describe('the options of Node that a child inherits', () => {
  it.each([
    [[], []],
    [
      ['--expose-gc', '--import', './hook.mjs'],
      ['--expose-gc', '--import', './hook.mjs'],
    ],
    [['--expose-gc', '-e', 'code'], ['--expose-gc']],
    [['--input-type=module', '--eval', 'code', '--no-warnings'], ['--no-warnings']],
    [['--input-type', 'module', '--eval=code', '--no-warnings'], ['--no-warnings']],
    [['-p', 'code'], []],
    [['--print', 'code', '-i', '--trace-gc'], ['--trace-gc']],
  ])('%j are %j', (own, inherited) => {
    expect(nodeArguments(own)).toEqual(inherited)
  })
})
