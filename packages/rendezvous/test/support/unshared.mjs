// Runs a program in a network namespace of its own, in this process's place as far as its parent can see.
import { spawn } from 'node:child_process'

const child = spawn('unshare', ['-n', process.execPath, ...process.argv.slice(2)], { stdio: 'inherit' })
child.on('exit', (code) => process.exit(code ?? 1))
