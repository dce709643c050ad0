/* A mutex over the monitor of its region: native/lock*.cc of packages/posix, with mutex.ts and guard.ts. Its word is changed
 * outside the monitor too, by whoever takes it while it is free, or gives it back while nobody is to be told. So each step
 * here is one look at the word or one change of it, with whatever else the monitor protects. A task can be killed between
 * any two; that somebody reaps it then is in ring.pml, and the monitor itself in monitor.pml. The event loop of BUSY does
 * not come any more once it is told; GIVES_UP may leave the queue at any time.
 *
 * Properties:
 *   Nobody but BUSY waits when nothing moves any more, and no flag is left behind.
 *   Whoever has it is alone, and nobody else changes the word outside the monitor meanwhile: release may store it.
 *   Each death with it is told to the next owner, once.
 *
 *   spin -run mutex.pml                          must pass; -DBUSY=2, -DKILLS=2 too
 *   spin -DMARK_BLINDLY -run mutex.pml           must fail: who has come to wait does not look again
 *   spin -DTELL_EARLY -run mutex.pml             must fail: the word says that somebody was told, and nobody was
 *   spin -DABORT_SWALLOWS -run mutex.pml         must fail: what was offered to who gives up is offered to nobody
 *   spin -DABORT_KEEPS_TOLD -run mutex.pml       must fail: the word still says that who gives up was told
 *   spin -DLOSER_KEEPS_TOLD -run mutex.pml       must fail: and that who has come, and lost, was
 *   spin -DLOSER_LOOKS_ONCE -run mutex.pml       must fail: it was given back without a word before that was unsaid
 *   spin -DSTALE_KEEPS_TOLD -DBUSY=2 -run mutex.pml  must fail: and that one was told who does not come
 *   spin -DREAP_SILENTLY -run mutex.pml          must fail: killed after it gave it back, before it has rung
 *   spin -DFORGET_DEATH -run mutex.pml           must fail: who takes it outside the monitor does not look for a death
 */

#ifndef KILLS
#define KILLS 1
#endif
#define N 3
#ifndef GIVES_UP
#define GIVES_UP 1
#endif
#ifndef BUSY
#define BUSY 0
#endif

/* Mutex::word: the owner, and kWaiting, kTold, kStarving, kDied of region.h. */
#define OWNER 3
#define WAITING 4
#define TOLD 8
#define STARVING 16
#define DIED 32
byte word = 0;

/* Who has the monitor: a task, or one of these, that outlive all. */
#define REAPER 4
#define KEEPER 5
byte monitor = 0;
bool monitorDied = false;

/* Who waits, in order. Waiter::offered, Slot::stale, and what an event loop has been told of by its keeper. */
chan queue = [N] of { byte };
bool offered[N + 1];
bool stale[N + 1];
bool news[N + 1];

bool killed[N + 1];
bool ended[N + 1];

/* What is checked. */
byte deaths = 0;
byte told = 0;

hidden byte each;

#define IS_FREE ((word & OWNER) == 0)

inline take() {
  assert(IS_FREE);
  word = word | me;
  if
  :: (word & DIED) != 0 -> told++
  :: else
  fi
}

/* Session::settleOffers: to the first, and behind one that is stale to the next as well. */
inline settle() {
  d_step {
    tells = false;
    if
    :: IS_FREE ->
      for (each : 1 .. len(queue)) {
        queue?first; queue!first;
        if
        :: !tells ->
          if
          :: !offered[first] -> offered[first] = true; bells = bells | (1 << first)
          :: else
          fi;
          tells = !stale[first]
        :: else
        fi
      }
      first = 0;
      tells = tells && (word & STARVING) == 0
    :: else
    fi
  }
  if
  :: tells -> atomic { word = word | TOLD; tells = false }
  :: else
  fi
}

/* Session::rebuild of what is derived. */
inline rebuild() {
  d_step {
    offered[1] = false; offered[2] = false; offered[3] = false;
    if
    :: len(queue) > 0 -> word = word | WAITING
    :: else -> word = word & ~(WAITING | STARVING)
    fi
  }
  word = word & ~TOLD;
  settle()
}

inline flush() {
  d_step {
    for (each : 1 .. N) { news[each] = news[each] || (bells >> each) & 1 }
    bells = 0
  }
}

inline enter(who) {
  atomic { monitor == 0 -> monitor = who };
  if
  :: monitorDied ->
    monitorDied = false;
    rebuild();
    bells = 14;
    flush()
  :: else
  fi
}

inline leave() {
  monitor = 0;
  flush()
}

inline unmark() {
  atomic {
    if
    :: len(queue) == 0 -> word = word & ~(WAITING | STARVING | TOLD)
    :: else
    fi
  }
}

proctype task(byte me) {
  byte seen = 0;
  byte first = 0;
  byte bells = 0;
  bool tells = false;
  {
idle:
    do
    :: goto gone
    :: break
    od;
    /* In JavaScript, or before it queues up: some looks. */
    if
#ifdef FORGET_DEATH
    :: atomic { (word & (OWNER | STARVING)) == 0 -> word = (word | me) & ~DIED; goto has }
#else
    :: atomic { (word & (OWNER | STARVING | DIED)) == 0 -> take(); goto has }
#endif
    :: true
    fi;
    enter(me);
    atomic {
      if
      :: (word & (OWNER | STARVING)) == 0 -> take(); goto left
      :: else -> queue!me
      fi
    }
#ifdef TELL_EARLY
    word = word | WAITING | TOLD;
#else
    word = word | WAITING;
#endif
#ifndef MARK_BLINDLY
    settle();
#endif
    leave();

end:
    do
    :: me != BUSY && news[me] ->
      news[me] = false;
      enter(me);
      stale[me] = false;
      if
      :: offered[me] -> offered[me] = false
      :: else -> monitor = 0; goto end
      fi;
      do
      :: atomic { IS_FREE -> take(); break }
      :: atomic { !IS_FREE -> skip };
#ifdef LOSER_KEEPS_TOLD
        goto lost
#elif defined(LOSER_LOOKS_ONCE)
        word = word & ~TOLD;
        goto lost
#else
        atomic {
          word = word & ~TOLD;
          if
          :: !IS_FREE -> goto lost
          :: else
          fi
        }
#endif
      od;
      atomic { queue??eval(me); word = word & ~(STARVING | TOLD) };
      unmark();
      goto left;
lost:
      /* Whether it has lost its patience. */
      if
      :: word = word | STARVING
      :: true
      fi;
      monitor = 0
    :: me == GIVES_UP ->
      enter(me);
      atomic {
        queue??eval(me);
#ifndef ABORT_KEEPS_TOLD
        if
        :: offered[me] -> word = word & ~TOLD
        :: else
        fi;
#endif
        offered[me] = false
      }
      unmark();
#ifndef ABORT_SWALLOWS
      settle();
#endif
      leave();
      goto idle
    od;

left:
    monitor = 0;
has:
    assert((word & OWNER) == me);
    if
    :: (word & DIED) != 0 -> enter(me); word = word & ~DIED; monitor = 0
    :: else
    fi;
    atomic {
      if
      :: word == me -> word = 0; goto idle
      :: word == (me | WAITING | TOLD) -> word = WAITING | TOLD; goto idle
      :: else
      fi
    }
    enter(me);
    seen = word;
    atomic { assert(word == seen && (seen & OWNER) == me); word = seen & ~OWNER; seen = 0 };
    settle();
    leave();
    goto idle;
gone:
    skip
  } unless {
    atomic {
      killed[me] ->
      if
      :: (word & OWNER) == me -> deaths++
      :: else
      fi;
      if
      :: monitor == me -> monitor = 0; monitorDied = true
      :: else
      fi;
      ended[me] = true; seen = 0; first = 0; bells = 0; tells = false
    }
  }
}

/* Keeper::reap, of whoever has ended. */
active proctype reaper() {
  byte dead = 0;
  byte first = 0;
  byte bells = 0;
  bool tells = false;
end:
  do
  :: atomic {
      ended[1] || ended[2] || ended[3] ->
      dead = (ended[1] -> 1 : (ended[2] -> 2 : 3))
    }
    enter(REAPER);
    d_step {
      if
      :: queue??[eval(dead)] -> queue??eval(dead)
      :: else
      fi;
      news[dead] = false; stale[dead] = false
    }
    atomic {
      if
      :: (word & OWNER) == dead -> word = (word & ~OWNER) | DIED
      :: else
      fi
    }
    rebuild();
#ifdef REAP_SILENTLY
    bells = 0;
#else
    bells = 14;
#endif
    flush();
    atomic { ended[dead] = false; dead = 0; monitor = 0 }
  od
}

/* Session::passOn: the event loop of BUSY has been told, and does not come. */
active proctype keeper() {
  byte first = 0;
  byte bells = 0;
  bool tells = false;
end:
  do
  :: news[BUSY] ->
    news[BUSY] = false;
    enter(KEEPER);
    if
    :: offered[BUSY] ->
      stale[BUSY] = true;
#ifndef STALE_KEEPS_TOLD
      word = word & ~TOLD;
#endif
      settle()
    :: else
    fi;
    leave()
  od
}

/* When nothing moves any more. */
active proctype judge() {
  timeout ->
  assert(len(queue) == 0 || (len(queue) == 1 && queue?[BUSY]));
  assert((word & OWNER) == 0 && (len(queue) > 0 || (word & ~DIED) == 0));
  assert(told + ((word & DIED) != 0) == deaths)
}

init {
  byte kills = 0;
  byte i;
  atomic {
    for (i : 1 .. N) { run task(i) }
  }
  do
  :: kills < KILLS -> atomic { select(i : 1 .. N); killed[i] = true; kills++ }
  :: break
  od
}
