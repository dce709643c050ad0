import type { World } from '../actor.js'

// What actors do. Each function is sent as text to the process that runs it.

export const section = ({ section }: World): Promise<boolean> => section()
export const writing = ({ writing }: World): Promise<boolean> => writing()

/** Reads, and where that fails because a writer has died, mends it; whether it was told so. */
export async function reading({ rwlock, writing }: World): Promise<boolean> {
  let told = false
  for (;;) {
    try {
      const guard = await rwlock.read()
      guard.release()
      return told
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_STRAIT_OWNER_DIED') throw error
      told = (await writing()) || told
    }
  }
}

// Takes, to give back later.

export async function holdMutex({ mutex, kept }: World): Promise<void> {
  kept.guard = await mutex.lock()
}
export async function holdWrite({ rwlock, kept }: World): Promise<void> {
  kept.guard = await rwlock.write()
}
export async function holdRead({ rwlock, kept }: World): Promise<void> {
  kept.guard = await rwlock.read()
}
export async function holdPermits({ semaphore, kept }: World): Promise<void> {
  kept.permits = [await semaphore.acquire(), await semaphore.acquire()]
}
export function release({ kept }: World): void {
  kept.guard.release()
}
export function releasePermits({ kept }: World): void {
  for (const permit of kept.permits.splice(0)) permit.release()
}

// Begins to wait; `awaited` is what comes of it.

export function startPermit({ semaphore, kept }: World): void {
  kept.waiting = semaphore.acquire().then((permit) => permit.release())
}
export function startEvent({ event, kept }: World): void {
  kept.waiting = event.wait()
}
export function startBarrier({ barrier, kept }: World): void {
  kept.waiting = barrier.wait().catch((error) => error.code)
}
/** For a notice; whether it was told of a death. */
export function startNotice({ mutex, condition, kept }: World): void {
  const wait = async () => {
    const guard = await mutex.lock()
    const toldBefore = guard.ownerDied
    if (toldBefore) guard.markConsistent()
    await condition.wait(guard)
    const told = guard.ownerDied
    if (told) guard.markConsistent()
    guard.release()
    return toldBefore || told
  }
  kept.waiting = wait()
}
// biome-ignore lint/suspicious/noExplicitAny: whatever it was that it waits for
export const awaited = ({ kept }: World): any => kept.waiting
