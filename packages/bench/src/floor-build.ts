import { type BuildOptions, buildProgram, type CProgram } from './c-program.js'

const UNITS = [
  'copy',
  'descriptors',
  'locks',
  'main',
  'process',
  'queues',
  'rounds',
  'semaphores',
  'shared',
  'signals',
]

const floors: CProgram = {
  name: 'floor',
  units: UNITS.map((name) => `floors/${name}.c`),
  // Where an older libc has semaphores and queues.
  libraries: ['-pthread', '-lrt'],
  packages: 'libc6-dev',
}

/** Compiles the floors, as {@link buildProgram} does, and returns the path of the program. */
export const buildFloors = (options?: BuildOptions): Promise<string> => buildProgram(floors, options)
