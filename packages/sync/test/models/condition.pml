/* A condition and its mutex: waitForNotice, notify, cancel and disown of native/lock*.cc of packages/posix. What happens
 * under the monitor, which monitor.pml models, is one step here. The producer or the first consumer can be killed between any
 * two steps; that consumer may also give up at any time.
 *
 * Properties:
 *   Nobody waits for a notice when there is something for it: when nothing moves any more.
 *   The mutex has one owner at most, and the death of an owner is told to the next one, once.
 *
 *   spin -run condition.pml                      must pass
 *   spin -DRELEASE_FIRST -run condition.pml      must fail: the mutex is given back before the wait has begun
 *   spin -DABORT_SWALLOWS -run condition.pml     must fail: who gives up takes along a notice that had come
 *   spin -DSILENT_DEATH -run condition.pml       must fail: a change that its maker did not live to announce
 *   spin -DNOTIFY_NOBODY -run condition.pml      must fail: a notice is for those only who come after it
 *   spin -DLOSE_NOTICE -run condition.pml        must fail: a notice goes with who has got it, and is killed
 */

#define CONSUMERS 2
#define FIRST 1
#define PRODUCER 3
#define ITEMS 2

/* The owner's number, 0: free; an owner has died, and nobody has been told. */
byte owner = 0;
bool died = false;

/* Who is in the queue of the condition. Whoever leaves it is in that of the mutex, and comes as soon as it is free. */
bool queued[PRODUCER];
/* FIRST has been there, and does not have the mutex again yet. */
bool onTheWay = false;

byte ready = 0;
/* Whom SIGKILL has reached, 0: nobody. */
byte killed = 0;
byte deaths = 0;
byte told = 0;

inline take(self) {
  atomic {
    owner == 0;
    owner = self;
    if
    :: died -> died = false; told++
    :: else
    fi;
    if
    :: self == FIRST -> onTheWay = false
    :: else
    fi
  }
}

inline give(self) {
  atomic {
    assert(owner == self);
    owner = 0
  }
}

/* One of those that wait: which of them is the longest waiting makes no difference to what is shown here. */
inline notify() {
  atomic {
#ifndef NOTIFY_NOBODY
    if
    :: queued[1] -> queued[1] = false
    :: queued[2] -> queued[2] = false
    :: else
    fi
#else
    skip
#endif
  }
}

/* Gives the mutex back and waits, in one step. */
inline await(self) {
#ifdef RELEASE_FIRST
  give(self);
  atomic { queued[self] = true; onTheWay = onTheWay || self == FIRST };
#else
  atomic {
    assert(owner == self);
    queued[self] = true;
    onTheWay = onTheWay || self == FIRST;
    owner = 0
  }
#endif
}

active [CONSUMERS] proctype consumer() {
  byte self = _pid + 1;
  bool gaveUp = false;

  {
    take(self);
    do
    :: ready > 0 -> ready--; break
    :: ready == 0 ->
      if
      :: gaveUp -> break
      :: else
      fi;
      await(self);
end:
      if
      :: !queued[self]
      :: atomic {
           self == FIRST && queued[self];
           queued[self] = false;
           gaveUp = true
         }
#ifdef ABORT_SWALLOWS
      :: atomic {
           self == FIRST && !queued[self];
           gaveUp = true
         } -> goto out
#endif
      fi;
      take(self)
    od;
    give(self);
out:
    skip
  } unless { self == FIRST && killed == FIRST }
}

active proctype producer() {
  byte made = 0;

  {
    do
    :: break
    :: made < ITEMS ->
      take(PRODUCER);
      ready++;
      made++;
      notify();
      give(PRODUCER)
    od
  } unless { killed == PRODUCER }
}

/* SIGKILL at any moment, and whoever reaps it then. */
active proctype killer() {
  bool reports = false;

  if
  :: atomic {
       if
       :: killed = PRODUCER
       :: killed = FIRST
       fi;
#ifndef LOSE_NOTICE
       reports = killed == FIRST && onTheWay && !queued[FIRST];
#endif
       queued[FIRST] = queued[FIRST] && killed != FIRST;
       if
       :: owner == killed ->
         owner = 0;
         died = true;
         deaths++;
#ifndef SILENT_DEATH
         reports = true
#endif
       :: else
       fi;
       if
       :: reports -> queued[1] = false; queued[2] = false
       :: else
       fi
     }
  :: skip
  fi
}

/* When nothing moves any more. */
active proctype judge() {
  timeout ->
  assert(!(ready > 0 && (queued[1] || queued[2])));
  assert(told + died == deaths)
}
