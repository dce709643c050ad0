// What the addon's calls come back with, and the words that it shares with this side; native/region.h, native/locks.h.

/** From here on: it waits, as the waiter of the number that is left. */
export const WAITS = 1 << 20

export const ERANGE = -34
export const ESTALE = -116
export const ECANCELED = -125
/** Cancelled, and the owner before died. */
export const ECANCELED_DIED = -126
export const EOWNERDEAD = -130

/** The kinds of objects. */
export const MUTEX = 1
export const SEMAPHORE = 2
export const EVENT = 3
export const CONDITION = 4
export const BARRIER = 5
export const RW_LOCK = 6

/** Of a word: who owns it. */
export const OWNER = 0xffff
/** Somebody waits, and has been told that it was free: whoever has it meanwhile need tell nobody. */
export const TOLD = (1 << 16) | (1 << 20)

/** What is to be taken. */
export const READ = 1
export const REPAIR = 2
