// What this process has, for who looks for growth.

import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

/** After collecting garbage: bytes, open descriptors, mappings of memory; getrusage(2), proc_pid_maps(5). */
export async function sample() {
  await collectAll()
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  const descriptors = readdirSync('/proc/self/fd').length
  const maps = readFileSync('/proc/self/maps', 'latin1').split('\n').length - 1
  return { rss, heapUsed, external, arrayBuffers, descriptors, maps }
}

/** Twice, because what a finalizer lets go of, in a later turn, only the next collection finds. */
export async function collectAll() {
  for (let round = 0; round < 2; round++) {
    collect()
    await turn()
    await turn()
  }
}
