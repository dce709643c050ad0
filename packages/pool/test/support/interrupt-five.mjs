// Preloaded: the first five processes are interrupted before they can ignore that. STARTS names a file with a line for each.
import { appendFileSync, readFileSync } from 'node:fs'

const { STARTS } = process.env
appendFileSync(STARTS, `${process.pid}\n`)
// By its own place: others may have come since.
const place = readFileSync(STARTS, 'utf8').split('\n').indexOf(String(process.pid))
if (place < 5) process.kill(process.pid, 'SIGINT')
