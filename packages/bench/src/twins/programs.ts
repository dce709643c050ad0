import { fileURLToPath } from 'node:url'
import { buildProgram, type CProgram } from '../c-program.js'
import { type Ends, type Floor, openRounds } from '../floor.js'
import type { Mode } from '../mode.js'
import { Missing } from './missing.js'

/** A program without Node that a transport is measured beside. */
export interface ProgramPeer {
  readonly name: string
  /** Rejects with {@link Missing} where something that it is made of is not there. */
  open(payloadBytes: number, ends?: Ends): Promise<Floor>
}

/** The programs beside a transport for messages of a size in a mode. Default: hot. */
export function findPrograms(
  scheme: string,
  payloadBytes: number,
  mode: Mode = 'hot',
): readonly ProgramPeer[] {
  // They block, have no lane that writes in place, and no empty messages.
  if (mode === 'sync' || mode === 'leased' || payloadBytes === 0) return []
  return programs[scheme] ?? []
}

function inC(name: string, mechanism: string, program: CProgram): ProgramPeer {
  return {
    name,
    async open(payloadBytes, ends) {
      const command = await buildProgram(program).catch((error: Error) => {
        throw new Missing(error.message)
      })
      return openRounds({ name, command, args: [mechanism] }, payloadBytes, ends)
    },
  }
}

/** A unit below benchmarks/peers, with what makes the rounds. */
const withRounds = (unit: string) => ['floors/process.c', 'floors/rounds.c', `peers/${unit}`]

export const libzmq: CProgram = {
  name: 'libzmq',
  units: withRounds('libzmq.c'),
  libraries: ['-lzmq'],
  packages: 'libzmq3-dev',
}

export const nng: CProgram = {
  name: 'nng',
  units: withRounds('nng.c'),
  libraries: ['-lnng'],
  packages: 'libnng-dev',
}

export const boost: CProgram = {
  name: 'boost',
  units: withRounds('boost.cc'),
  libraries: ['-lstdc++', '-pthread', '-lrt'],
  packages: 'libboost1.81-dev g++',
}

const PIPE = fileURLToPath(new URL('../../../../benchmarks/peers/multiprocessing_pipe.py', import.meta.url))

const python: ProgramPeer = {
  name: 'multiprocessing.Pipe',
  async open(payloadBytes, ends) {
    try {
      return await openRounds({ name: this.name, command: 'python3', args: [PIPE] }, payloadBytes, ends)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      throw new Missing('there is no python3')
    }
  },
}

/** What is below a transport over ZeroMQ is the library, not a mechanism of the kernel. */
export const zmqFloors: Readonly<Record<string, ProgramPeer>> = {
  'zmq+tcp': inC('libzmq, TCP', 'tcp', libzmq),
  'zmq+ipc': inC('libzmq, ipc', 'ipc', libzmq),
}

/** By the scheme of the transport. */
export const programs: Readonly<Record<string, readonly ProgramPeer[]>> = {
  unix: [python, inC('nng, ipc', 'ipc', nng)],
  'zmq+tcp': [zmqFloors['zmq+tcp']!],
  'zmq+ipc': [zmqFloors['zmq+ipc']!],
  shm: [
    inC('Boost.Interprocess, blocking', 'blocking', boost),
    inC('Boost.Interprocess, spinning', 'spinning', boost),
  ],
}
