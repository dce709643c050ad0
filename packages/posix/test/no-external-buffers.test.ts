import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compile, headers, objects } from './support/compilers.js'
import { has, run, support } from './support/programs.js'

describe.skipIf(headers === undefined || objects.length === 0 || !has('g++'))(
  'a Node without buffers over foreign memory',
  () => {
    it('has no bytes and no views, but copies (skipped without g++, the headers of Node and a build of the addon)', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'strait-addon-'))
      try {
        const addon = join(directory, 'addon.node')
        const refuse = [
          '-Wl,--wrap=napi_create_external_arraybuffer',
          support('../native/no-external-buffers.cc'),
        ]
        expect(compile('g++', ['-shared', ...objects, ...refuse, '-lrt', '-o', addon])).toBe('')
        const args = ['--require', support('replace-addon.cjs'), support('copying.mjs')]
        // The preloaded runtime of a sanitizer belongs to the other addon.
        const { status, output } = await run(process.execPath, args, {
          env: { STRAIT_TEST_ADDON: addon, LD_PRELOAD: undefined },
        })
        expect([status, output]).toEqual([
          0,
          [
            'bytes: ERR_STRAIT_NOT_SUPPORTED',
            'view: ERR_STRAIT_NOT_SUPPORTED',
            'read: 0,1,2,0',
            'resized: 0,1,2,0',
            'other: 0,1,2,0',
            'closed: ERR_STRAIT_CLOSED',
            'mappings: 0',
          ].join('\n'),
        ])
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
  },
)
