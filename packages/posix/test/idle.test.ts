import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { BUILT, inDirectory, start } from './support/others.js'

const noStrace = spawnSync('strace', ['-V']).status !== 0
const skipped = noStrace ? ' (skipped: there is no strace)' : ''
const program = fileURLToPath(new URL('support/idle.mjs', import.meta.url))

it.skipIf(noStrace)(`makes no system call while it waits${skipped}`, async () => {
  await inDirectory(async (directory) => {
    const log = join(directory, 'strace')
    const { output } = start('strace', ['-f', '-qq', '-o', log, process.execPath, program, BUILT, directory])
    await output
    const lines = readFileSync(log, 'utf8').split('\n')
    const [begin, end] = ['begin', 'end'].map((name) =>
      lines.findIndex((line) => line.includes(`/strait-test-${name}`)),
    )
    expect(begin).toBeGreaterThan(0)
    expect(end).toBeGreaterThan(begin!)
    // The other threads are Node's own, and so is the timer.
    const [thread] = lines[begin!]!.split(' ')
    const calls = lines.slice(begin! + 1, end).filter((line) => line.startsWith(`${thread} `))
    const ours = /\b(read|readv|write|writev|poll|ppoll|recvmsg|sendmsg|accept4?|epoll_ctl)\(/
    expect(calls.filter((line) => ours.test(line))).toEqual([])
    expect(calls.filter((line) => /\bepoll_p?wait\(/.test(line)).length).toBeLessThan(20)
  })
})
