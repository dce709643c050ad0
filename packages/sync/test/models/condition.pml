/* A condition and its mutex: waitForNotice, notify, cancel and disown of native/lock*.cc of packages/posix. What happens
 * under the monitor, which monitor.pml models, is one step here. The producer can be killed between any two steps; the first
 * consumer may give up at any time.
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
 */

#define CONSUMERS 2
#define PRODUCER 3
#define ITEMS 2

/* The owner's number, 0: free; an owner has died, and nobody has been told. */
byte owner = 0;
bool died = false;

/* Who is in the queue of the condition. Whoever leaves it is in that of the mutex, and comes as soon as it is free. */
bool queued[PRODUCER];

byte ready = 0;
bool killed = false;
byte deaths = 0;
byte told = 0;

inline take(self) {
  atomic {
    owner == 0;
    owner = self;
    if
    :: died -> died = false; told++
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
  queued[self] = true;
#else
  atomic {
    assert(owner == self);
    queued[self] = true;
    owner = 0
  }
#endif
}

active [CONSUMERS] proctype consumer() {
  byte self = _pid + 1;
  bool gaveUp = false;

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
         self == 1 && queued[self];
         queued[self] = false;
         gaveUp = true
       }
#ifdef ABORT_SWALLOWS
    :: atomic {
         self == 1 && !queued[self];
         gaveUp = true
       } -> goto out
#endif
    fi;
    take(self)
  od;
  give(self);
out:
  skip
}

active proctype producer() {
  byte made = 0;

  {
    do
    :: made == ITEMS -> break
    :: made < ITEMS ->
      take(PRODUCER);
      ready++;
      made++;
      notify();
      give(PRODUCER)
    od
  } unless { killed }
}

/* SIGKILL at any moment, and whoever reaps it then. */
active proctype killer() {
  if
  :: atomic {
       killed = true;
       if
       :: owner == PRODUCER ->
         owner = 0;
         died = true;
         deaths++;
#ifndef SILENT_DEATH
         queued[1] = false;
         queued[2] = false;
#endif
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
