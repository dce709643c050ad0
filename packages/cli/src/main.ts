#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { addBench } from './commands/bench.js'
import { addDoctor } from './commands/doctor.js'
import { addEcho } from './commands/echo.js'
import { addFib } from './commands/fib.js'
import { addListen } from './commands/listen.js'
import { addLs } from './commands/ls.js'
import { addReceive } from './commands/receive.js'
import { addReport } from './commands/report.js'
import { addRm } from './commands/rm.js'
import { addSend } from './commands/send.js'
import { EXIT_CODES, report } from './exit.js'
import { complain } from './terminal.js'
import { version } from './version.js'

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.removeAllListeners('warning').on('warning', (warning) => complain(warning.message))

const program = new Command('strait')
  .description('Every classic IPC mechanism of Linux behind one Channel: try it, measure it, talk over it.')
  .version(version)
  .exitOverride()
  .showHelpAfterError('Try --help.')
  .configureOutput({ outputError: (text) => complain(text.replace(/^error: /, '').trimEnd()) })
  .addHelpText('after', EXIT_CODES)

addFib(program)
addBench(program)
addReport(program)
addListen(program)
addSend(program)
addReceive(program)
addEcho(program)
addLs(program)
addRm(program)
addDoctor(program)

try {
  await program.parseAsync()
} catch (error) {
  // Commander has said it already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else process.exitCode = report(error)
}
