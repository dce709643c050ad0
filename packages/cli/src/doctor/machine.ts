import { existsSync, statfsSync } from 'node:fs'
import { availableParallelism, release, totalmem, type } from 'node:os'
import { QUEUES_ARE_HIDDEN, queueDirectory } from '../objects/files.js'
import { type Check, check, size, type Trouble } from './check.js'
import { coreQuota } from './quota.js'

const OLDEST_NODE = 20

const MEBIBYTE = 1024 ** 2

export function checkMachine(): Check[] {
  const isLinux = process.platform === 'linux'
  return [node(), kernel(isLinux), cores(), memory(), ...(isLinux ? [proc(), sharedMemory(), queues()] : [])]
}

function node(): Check {
  const tooOld = Number.parseInt(process.versions.node, 10) < OLDEST_NODE
  const trouble: Trouble = {
    verdict: 'broken',
    problem: `Strait needs Node ${OLDEST_NODE}`,
    mend: 'install a newer one from nodejs.org',
  }
  return check('machine', 'Node', process.version, { trouble: tooOld ? trouble : undefined })
}

function kernel(isLinux: boolean): Check {
  const trouble = { problem: 'pipes, FIFOs, queues and the like are those of Linux', mend: 'use a Linux' }
  return check('machine', 'kernel', `${type()} ${release()}`, { trouble: isLinux ? undefined : trouble })
}

function cores(): Check {
  const there = availableParallelism()
  const quota = coreQuota()
  const value = quota === undefined ? String(there) : `${there}, of which a control group grants ${quota}`
  const trouble: Trouble = {
    problem: 'the two ends of a channel share a core, so figures are those of one core',
    mend: 'grant this machine or container two, such as docker run --cpus=2',
  }
  return check('machine', 'cores', value, {
    trouble: Math.min(there, quota ?? there) < 2 ? trouble : undefined,
  })
}

function memory(): Check {
  const granted = process.constrainedMemory?.() ?? 0
  const total = granted > 0 ? Math.min(totalmem(), granted) : totalmem()
  const trouble = { problem: 'little memory: Node alone takes some 50 MiB a process' }
  return check('machine', 'memory', size(total), { trouble: total < 512 * MEBIBYTE ? trouble : undefined })
}

function proc(): Check {
  const mounted = existsSync('/proc/self/fd')
  const trouble: Trouble = {
    verdict: 'broken',
    problem: 'listeners, `ls` and credentials need it',
    mend: 'sudo mount -t proc proc /proc',
  }
  return check('machine', '/proc', mounted ? 'mounted' : 'not mounted', {
    trouble: mounted ? undefined : trouble,
  })
}

function sharedMemory(): Check {
  const about = 'named shared memory, semaphores'
  try {
    const { bsize, blocks, bavail } = statfsSync('/dev/shm')
    const value = `${size(bsize * bavail)} free of ${size(bsize * blocks)}`
    const trouble = {
      problem: 'little room for shared memory',
      mend: 'sudo mount -o remount,size=1G /dev/shm, or docker run --shm-size=1g',
    }
    return check('machine', '/dev/shm', value, {
      about,
      trouble: bsize * bavail < 64 * MEBIBYTE ? trouble : undefined,
    })
  } catch {
    const trouble = {
      problem: 'no named shared memory and no named semaphores',
      mend: 'sudo mkdir -m 1777 /dev/shm && sudo mount -t tmpfs none /dev/shm',
    }
    return check('machine', '/dev/shm', 'not there', { about, trouble })
  }
}

function queues(): Check {
  const directory = queueDirectory()
  return check('machine', 'mqueue', directory ?? 'not mounted', {
    about: 'shows POSIX queues',
    trouble: directory === undefined ? QUEUES_ARE_HIDDEN : undefined,
  })
}
