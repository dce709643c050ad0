/* The monitor of a region: native/monitor.h of packages/posix, with what the kernel does to it when a thread is killed:
 * exit_robust_list and handle_futex_death in kernel/futex/core.c. Any thread can be killed between any two steps.
 *
 * What shares memory here are compare-and-swaps, and stores that a system call on the same word follows, which orders
 * them: no store buffers are needed, as sleep.pml of the ring has them.
 *
 * Properties:
 *   One thread at most is inside.
 *   Nobody sleeps for ever: an invalid end state, since each thread may stop coming after any round.
 *   A death inside is told to the next owner, and to nobody else.
 *
 *   spin -run monitor.pml                        must pass; -DKILLS=2, and -DTHREADS=4 too
 *   spin -DDROP_BIT -run monitor.pml             must fail: unlock stores 0, as glibc does
 *   spin -DLATE_PENDING -run monitor.pml         must fail: the kernel hears of it after the compare-and-swap
 *   spin -DEARLY_END -run monitor.pml            must fail: the kernel forgets it before the wake
 *   spin -DCLEAR_BLINDLY -run monitor.pml        must fail: the bit goes by a plain store
 *   spin -DCLEAR_BY_CAS -run monitor.pml         must fail: the word is the same again, but somebody sleeps
 *   spin -DKEEP_DIED -run monitor.pml            must fail: the bit of the death stays until it is unlocked, and longer
 *   spin -DOLD_KERNEL -run monitor.pml           must fail: before "futex: Resend potentially swallowed owner death
 *                                                notification" only a word of 0 was woken for who died while waking
 */

#ifndef THREADS
#define THREADS 3
#endif
#ifndef KILLS
#define KILLS 1
#endif

/* The word: FUTEX_TID_MASK, FUTEX_WAITERS, FUTEX_OWNER_DIED. */
#define TID 7
#define WAITERS 8
#define DIED 16
byte word = 0;

/* Index 0 is nobody. list_op_pending of each thread, who is in the queue of the futex, and whom SIGKILL has reached. */
bool pending[THREADS + 1];
bool asleep[THREADS + 1];
bool killed[THREADS + 1];

/* What is checked: who is inside, and whether somebody died there of whom nobody has been told. */
byte inside = 0;
bool untold = false;

/* FUTEX_WAKE of one: of any one, for their order is the kernel's affair. It can be one that has been killed. */
inline wakeOne(woken) {
  atomic {
    woken = 1;
    if
    :: asleep[1] -> asleep[1] = false
    :: asleep[2] -> asleep[2] = false
    :: asleep[3] -> asleep[3] = false
#if THREADS > 3
    :: asleep[4] -> asleep[4] = false
#endif
#if THREADS > 4
    :: asleep[5] -> asleep[5] = false
#endif
    :: else -> woken = 0
    fi
  }
}

inline wakeAll() {
  asleep[1] = false; asleep[2] = false; asleep[3] = false;
#if THREADS > 3
  asleep[4] = false;
#endif
#if THREADS > 4
  asleep[5] = false;
#endif
}

/* Inside. */
inline enter(value) {
#ifdef KEEP_DIED
  word = me | value;
#else
  word = me | (value & WAITERS);
#endif
  assert(untold == ((value & DIED) != 0));
  assert(inside == 0);
  inside = me;
  untold = false;
  seen = 0
}

inline lock() {
#ifndef LATE_PENDING
  pending[me] = true;
#endif
  atomic {
    seen = word;
    if
    :: word == 0 -> enter(0); goto locked
    :: else
    fi
  }
  do
  :: (seen & TID) == 0 ->
    atomic {
      if
#ifdef DROP_BIT
      :: word == seen && slept -> enter(seen | WAITERS); goto locked
      :: word == seen && !slept -> enter(seen); goto locked
#else
      :: word == seen -> enter(seen); goto locked
#endif
      :: else -> seen = word
      fi
    }
  /* Another look, before it sleeps. */
  :: (seen & TID) != 0 -> seen = word
  :: (seen & TID) != 0 && (seen & WAITERS) == 0 ->
    atomic {
      if
      :: word == seen -> word = seen | WAITERS; seen = word
      :: else -> seen = word
      fi
    }
  :: (seen & TID) != 0 && (seen & WAITERS) != 0 ->
    /* FUTEX_WAIT: the look and the sleep are one. */
    atomic {
      if
      :: word == seen -> asleep[me] = true
      :: else
      fi;
      seen = 0
    }
    atomic { !asleep[me] -> slept = true; seen = word }
  od;
locked:
#ifdef LATE_PENDING
  pending[me] = true;
#endif
  slept = false
}

inline unlock() {
#ifdef EARLY_END
  pending[me] = false;
#endif
  atomic {
    if
    :: word == me -> word = 0; inside = 0; goto unlocked
    :: else
    fi
  }
#ifdef DROP_BIT
  atomic { word = 0; inside = 0 }
#elif defined(KEEP_DIED)
  atomic { word = (word | WAITERS) & ~TID; inside = 0 }
#else
  atomic { word = WAITERS; inside = 0 }
#endif
  wakeOne(woken);
  if
  :: woken == 0 ->
#if defined(CLEAR_BLINDLY)
    word = 0
#elif defined(CLEAR_BY_CAS)
    atomic {
      if
      :: word == WAITERS -> word = 0
      :: else
      fi
    }
#elif !defined(DROP_BIT)
    /* FUTEX_WAKE_OP: takes the bit away, and wakes whoever has relied on it since, at once. */
    atomic { word = word & ~WAITERS; wakeAll() }
#endif
  :: else
  fi;
unlocked:
  woken = 0;
  pending[me] = false
}

/* What the kernel does for a thread that has been killed. */
inline die() {
  asleep[me] = false;
  if
  :: pending[me] ->
    atomic {
      if
      :: (word & TID) == me -> woken = word & WAITERS; word = (word & WAITERS) | DIED; untold = true; inside = 0
#ifdef OLD_KERNEL
      :: word == 0 -> woken = 1
#else
      :: (word & TID) == 0 -> woken = 1
#endif
      :: else -> woken = 0
      fi
    }
    if
    :: woken != 0 -> wakeOne(woken)
    :: else
    fi
  :: else
  fi
}

proctype thread(byte me) {
  byte seen = 0;
  byte woken = 0;
  bool slept = false;
  {
    do
    :: lock(); unlock()
    :: break
    od
  } unless { atomic { killed[me] -> seen = 0; woken = 0; slept = false }; die() }
}

init {
  byte kills = 0;
  byte i;
  atomic {
    for (i : 1 .. THREADS) { run thread(i) }
  }
  do
  :: kills < KILLS -> atomic { select(i : 1 .. THREADS); killed[i] = true; kills++ }
  :: break
  od
}
