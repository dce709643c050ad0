/* The ring of watchers: native/keeper.cc of packages/posix, with lock-slots.cc. Each process has a keeper, which sleeps on
 * its own bell and on the life of the next occupied slot, and reaps whoever it finds dead; and a main thread. SIGKILL
 * ends both, each at a moment of its own, between any two steps. The processes 1 and 2 have the slots 1 and 3 from the
 * beginning, and 3 comes when it likes: between them, or to a slot that has become free. The main thread of HOLDER takes a
 * lock, and that of WAITER waits for it; that of LEAVER may close the region.
 *
 * The monitor is what monitor.pml has shown it to be; the queue of a lock is in mutex.pml. All bells are rung in one step:
 * who is killed after some of them has done harm to nobody to whom it had not done it before the first.
 *
 * Properties:
 *   A slot whose process was killed is reaped, if somebody is attached. (Killed as it attaches, before it has rung: as
 *   soon as anybody has the monitor. It has nothing yet, and others wait for nothing of it.)
 *   No keeper waits for the end of a process that lives: it would hear nothing.
 *   A slot is not reaped while a thread of its process runs: what it holds is its own until then.
 *   Whoever waits for the lock does not sleep for ever when it is free.
 *   A death with the lock is told to the next owner, and to nobody else.
 *
 *   spin -run ring.pml                           must pass; -DHOLDER=3, -DWAITER=3, -DKILLS=2 -DAT_ONCE -DLEAVER=0 too
 *   spin -DASK_LATE -run ring.pml                must fail: whose end is waited for is read when somebody else may be there
 *   spin -DREAP_EARLY -run ring.pml              must fail: nobody waits for the end of the process
 *   spin -DNO_RING -run ring.pml                 must fail: the predecessor of a newcomer is not rung
 *   spin -DRING_BEFORE_LIFE -run ring.pml        must fail: it looks before there is anything to see
 *   spin -DRING_OUTSIDE -run ring.pml            must fail: the newcomer is killed outside the monitor, before it has rung
 *   spin -DREBUILD_SILENTLY -run ring.pml        must fail: it is killed inside, and whoever mends it looks no further
 *   spin -DREAP_SILENTLY -run ring.pml           must fail: who waits for what the dead one held is not rung
 *   spin -DLEAVE_SILENTLY -run ring.pml          must fail: killed when its slot is free, and nobody has been rung
 *   spin -DFREE_WITHOUT_WAKE -DKILLS=2 -run ring.pml  must fail: killed when its slot is free, before its watcher is woken
 *   spin -DKEEP_WAKE -run ring.pml               must fail: of two the wrong one is woken, and does not pass it on
 *   spin -DSTAY_QUEUED -DKILLS=2 -DAT_ONCE -run ring.pml  must fail: and is killed before it could
 *
 * What AT_ONCE leaves out: the newcomer rings and wakes while its predecessor is within one futex_waitv, queued at its bell
 * and not yet at the life; then who lives there and the predecessor are killed before that one is back from the call.
 */

#ifndef KILLS
#define KILLS 1
#endif
#ifndef HOLDER
#define HOLDER 1
#endif
#ifndef WAITER
#define WAITER 2
#endif
#ifndef LEAVER
#define LEAVER 1
#endif

/* Processes, and slots. */
#define N 3

/* Slot::life: 0 nobody, its keeper (the number of the process), or FUTEX_OWNER_DIED. Slot::pid and start. */
#define DEAD 7
byte life[N + 1];
byte occupant[N + 1];

/* Slot::bell has changed since its keeper looked. Its keeper sleeps, and at which life it is queued: until it runs again,
 * even when it was woken at its bell. */
bool rung[N + 1];
bool asleep[N + 1];
byte queued[N + 1];

/* The thread that has it: a keeper's number, or MAIN and the number. */
#define MAIN 4
byte monitor = 0;
bool monitorDied = false;

/* The lock: its owner's slot, and its flag. The slot of who waits for it, and what that one has been told. */
byte lock = 0;
bool lockDied = false;
byte waits = 0;
bool offered = false;
bool news = false;

/* Of processes: the slot, once it has rung; the main thread has closed the region; SIGKILL; which threads have ended. */
byte slotOf[N + 1];
bool closed[N + 1];
bool killedKeeper[N + 1];
bool killedMain[N + 1];
bool keeperEnded[N + 1];
bool mainEnded[N + 1];

/* What is checked: so many have died with the lock, and so many owners were told. */
byte deaths = 0;
byte told = 0;

hidden byte each;
hidden byte neighbour;

#define BEHIND(slot, step) (((slot) + (step) - 1) % N + 1)
#define LIVES(slot) (life[slot] != 0 && life[slot] != DEAD)
#define FIRST(value) (life[1] == value -> 1 : (life[2] == value -> 2 : (life[3] == value -> 3 : 0)))
#define AFTER(slot) (life[BEHIND(slot, 1)] != 0 -> BEHIND(slot, 1) : (life[BEHIND(slot, 2)] != 0 -> BEHIND(slot, 2) : 0))
#define BEFORE(slot) (life[BEHIND(slot, 2)] != 0 -> BEHIND(slot, 2) : (life[BEHIND(slot, 1)] != 0 -> BEHIND(slot, 1) : 0))

/* FUTEX_WAKE of one, whichever it is. It may have been woken already, and not have run yet. */
inline wakeOne(slot) {
  if
  :: queued[1] == slot -> queued[1] = 0; asleep[1] = false
  :: queued[2] == slot -> queued[2] = 0; asleep[2] = false
  :: queued[3] == slot -> queued[3] = 0; asleep[3] = false
  :: else
  fi
}

inline wakeAll(slot) {
  for (each : 1 .. N) {
    if
    :: slot != 0 && queued[each] == slot -> queued[each] = 0; asleep[each] = false
    :: else
    fi
  }
}

inline ring(slot) {
  if
  :: slot != 0 -> rung[slot] = true; asleep[slot] = false
  :: else
  fi
}

inline ringAll() {
  for (each : 1 .. N) { rung[each] = true; asleep[each] = false }
}

/* Session::settle of the lock. */
inline settle() { offered = waits != 0 && lock == 0 }

/* Session(): what was left by somebody who was killed here is mended, and everybody looks again. */
inline enter(thread) {
  monitor == 0 -> monitor = thread;
  if
  :: monitorDied -> monitorDied = false; settle();
#ifndef REBUILD_SILENTLY
    ringAll()
#endif
  :: else
  fi
}

/* Session::strip, but for its bells. */
inline strip(slot) {
  if
  :: lock == slot -> lock = 0; lockDied = true
  :: else
  fi;
  if
  :: waits == slot -> waits = 0
  :: else
  fi;
  settle()
}

/* These, and then Session::vacate: FUTEX_WAKE_OP frees the slot and wakes in one step. */
inline vacate(slot) {
#ifndef REAP_SILENTLY
  d_step { ringAll() };
#endif
#ifdef FREE_WITHOUT_WAKE
  life[slot] = 0;
#endif
  d_step { life[slot] = 0; wakeAll(slot) };
  monitor = 0
}

/* Keeper::reap. Somebody else may have been here meanwhile, and a newcomer be in the slot. */
inline reap(slot) {
#ifdef ASK_LATE
  atomic { whose = occupant[slot] };
#else
  atomic { enter(self); whose = (life[slot] == DEAD -> occupant[slot] : 0); monitor = 0 };
#endif
#ifndef REAP_EARLY
  whose == 0 || (keeperEnded[whose] && mainEnded[whose]);
#endif
  atomic {
    enter(self);
    if
    :: whose != 0 && life[slot] == DEAD && occupant[slot] == whose -> strip(slot)
    :: else -> monitor = 0
    fi;
    whose = 0
  }
  if
  :: monitor == self -> vacate(slot)
  :: else
  fi
}

/* Keeper::enter and takeSlot. */
inline attach() {
  do
  :: atomic {
      enter(self);
      watched = FIRST(DEAD);
      if
      :: watched != 0 -> monitor = 0
      :: else -> break
      fi
    };
    reap(watched)
  od;
  atomic { me = FIRST(0); occupant[me] = self; rung[me] = false }
#ifdef RING_BEFORE_LIFE
  d_step { neighbour = BEFORE(me); ring(neighbour) }
#endif
  life[me] = self;
#if !defined(RING_BEFORE_LIFE) && !defined(NO_RING) && !defined(RING_OUTSIDE)
  d_step { neighbour = BEFORE(me); ring(neighbour) }
#endif
#ifndef STAY_QUEUED
  d_step { neighbour = AFTER(me); wakeAll(neighbour) }
#endif
  atomic { monitor = 0; slotOf[self] = me }
#ifdef RING_OUTSIDE
  d_step { neighbour = BEFORE(me); ring(neighbour) }
#endif
}

/* Keeper::hear and watch, up to what it sees. What changes in between rings the bell, or is a life that changes. */
inline look() {
  d_step {
    if
    :: rung[me] && offered && waits == me -> news = true
    :: else
    fi;
    rung[me] = false;
#ifndef KEEP_WAKE
    if
    :: life[watched] != seen -> wakeAll(watched)
    :: else
    fi;
#endif
    watched = AFTER(me);
    seen = life[watched]
  }
}

/* Keeper::sleep: futex_waitv of the bell, and then of the life. */
inline sleep() {
  atomic {
    if
    :: rung[me] || closed[self] -> goto awake
    :: else -> asleep[me] = true
    fi;
#ifndef AT_ONCE
  }
  atomic {
#endif
    if
    :: watched != 0 && life[watched] == seen -> queued[me] = watched
    :: watched != 0 && life[watched] != seen -> asleep[me] = false
    :: watched == 0
    fi
  }
end:
  atomic { !asleep[me] || closed[self] -> asleep[me] = false; queued[me] = 0 };
awake:
  skip
}

/* Keeper::leave. */
inline leave() {
  do
  :: atomic {
      watched = FIRST(DEAD);
      if
      :: watched == 0 -> break
      :: else
      fi
    };
    reap(watched)
  od;
#ifdef LEAVE_SILENTLY
  atomic { enter(self); strip(me); life[me] = 0; wakeAll(me) }
#else
  atomic { enter(self); strip(me) }
#endif
  vacate(me)
}

/* In the kernel, as a keeper ends: first its robust list, then list_op_pending, which is at the monitor. */
inline keeperDies() {
  d_step { asleep[me] = false; queued[me] = 0; watched = 0; whose = 0; seen = 0 }
  atomic {
    if
    :: me != 0 && life[me] == self -> life[me] = DEAD; wakeOne(me)
    :: else
    fi;
    me = 0
  }
  d_step {
    if
    :: monitor == self -> monitor = 0; monitorDied = true
    :: else
    fi;
    keeperEnded[self] = true
  }
}

proctype keeper(byte self; byte me) {
  byte watched = 0;
  byte seen = 0;
  byte whose = 0;
  {
    if
    :: me == 0 -> attach()
    :: else
    fi;
    do
    :: look();
      if
      :: seen == DEAD -> reap(watched)
      :: else ->
        sleep();
        if
        :: closed[self] -> break
        :: else
        fi
      fi
    od;
    seen = 0;
    leave();
    me = 0
  } unless { killedKeeper[self] -> keeperDies() }
}

inline take() {
  lock = me;
  if
  :: lockDied -> lockDied = false; told++
  :: else
  fi
}

/* Gives it back, without the monitor where nobody waits; or keeps it. Who is told is rung outside. */
inline giveOrKeep() {
  if
  :: atomic { waits == 0 -> assert(lock == me); lock = 0 }
  :: atomic { waits != 0 -> enter(MAIN + self); assert(lock == me); lock = 0; settle(); other = waits };
    monitor = 0;
    d_step { ring(other); other = 0 }
  :: true
  fi
}

proctype mainThread(byte self) {
  byte me = 0;
  byte other = 0;
  {
    atomic { slotOf[self] != 0 -> me = slotOf[self] };
    if
    :: self == HOLDER ->
      if
      :: atomic { lock == 0 -> take() };
        /* It is alone with what it protects. */
        assert(lock == me);
        giveOrKeep()
      :: true
      fi
    :: self == WAITER ->
      atomic {
        enter(MAIN + self);
        if
        :: lock == 0 -> take()
        :: else -> waits = me
        fi
      }
      monitor = 0;
      do
      :: lock == me -> break
      :: else ->
end1:   atomic { news -> news = false };
        atomic {
          enter(MAIN + self);
          offered = false;
          if
          :: lock == 0 -> take(); waits = 0
          :: else
          fi
        }
        monitor = 0
      od;
      giveOrKeep()
    :: else
    fi;
    if
    :: self == LEAVER -> atomic { deaths = deaths + (lock == me); closed[self] = true }
    :: true
    fi;
end2:
    false
  } unless {
    atomic {
      killedMain[self] ->
      if
      :: me != 0 && lock == me && !closed[self] -> deaths++
      :: else
      fi;
      if
      :: monitor == MAIN + self -> monitor = 0; monitorDied = true
      :: else
      fi;
      mainEnded[self] = true; me = 0; other = 0
    }
  }
}

/* When nobody has anything to do any more. */
active proctype judge() {
  timeout ->
  d_step {
    for (each : 1 .. N) {
      assert(!LIVES(each) || asleep[each]);
      assert(life[each] != DEAD || (slotOf[occupant[each]] == 0 && monitorDied) || !(LIVES(1) || LIVES(2) || LIVES(3)))
    }
    assert(waits == 0 || !LIVES(waits) || lock != 0);
    assert(told + lockDied == deaths || !(LIVES(1) || LIVES(2) || LIVES(3)))
  }
}

init {
  byte kills = 0;
  byte i;
  atomic {
    life[1] = 1; occupant[1] = 1; slotOf[1] = 1;
    life[3] = 2; occupant[3] = 2; slotOf[2] = 3;
    run keeper(1, 1); run keeper(2, 3); run keeper(3, 0);
    for (i : 1 .. N) {
      if
      :: i == HOLDER || i == WAITER || i == LEAVER -> run mainThread(i)
      :: else -> mainEnded[i] = true
      fi
    }
  }
  do
  :: kills < KILLS ->
    select(i : 1 .. N);
    kills++;
    if
    :: killedKeeper[i] = true; killedMain[i] = true
    :: killedMain[i] = true; killedKeeper[i] = true
    fi
  :: break
  od
}
