// Preloaded: leaves a line in the file that STARTS names.
import { appendFileSync } from 'node:fs'

appendFileSync(process.env.STARTS, `${process.pid}\n`)
