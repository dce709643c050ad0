import { Mutex, Region, Semaphore } from '@strait/sync'

// Whoever opens the same name has the same locks: another process, a worker thread, or the next task of this one.
using region = Region.openOrCreate('accounts')
const mutex = new Mutex({ region, name: 'balance' })
const tellers = new Semaphore(3, { region, name: 'tellers' })

let balance = 100

async function withdraw(amount: number): Promise<void> {
  await using _teller = await tellers.acquire() // three at a time
  using guard = await mutex.lock({ signal: AbortSignal.timeout(5000) })
  if (guard.ownerDied) {
    // Somebody was killed in the middle of a change. Mend the data; without this the lock would stay shut.
    guard.markConsistent()
  }
  const before = balance
  await Promise.resolve() // others run meanwhile, and wait for the lock
  balance = before - amount
} // and here the lock is given back

await Promise.all([10, 20, 30, 40].map(withdraw))
console.log(balance)
