// Functions of workers that say what they do on the standard output, which they have from their parent.
import { writeSync } from 'node:fs'

/** Does not end by itself. */
export function spin() {
  writeSync(1, `spins ${process.pid}\n`)
  for (;;);
}

/** Is busy for so long, in ms. */
export function work(item, ms) {
  writeSync(1, `works ${item}\n`)
  for (const until = performance.now() + ms; performance.now() < until; );
  return item
}
