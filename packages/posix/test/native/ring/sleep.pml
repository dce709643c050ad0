/* Publish, sleep and wake of the ring in native/ring.h, with the store buffers of x86-TSO: a store waits in its
 * processor's buffer before the other one sees it, while loads go ahead. Spin assumes sequential consistency and would
 * not see a missing fence without them.
 *
 * Property: nobody sleeps for ever. A deadlock is what Spin calls an invalid end state.
 *
 *   spin -run sleep.pml                          must pass
 *   spin -DNO_WRITER_FENCE -run sleep.pml        must fail: `readerSleeps` without its fence
 *   spin -DNO_READER_FENCE -run sleep.pml        must fail: `publish` of the reader without its fence
 *   spin -DNO_PUBLISH -run sleep.pml             must fail: who finds nothing keeps room to itself
 *   spin -DPLAIN_READER_SLEEP -run sleep.pml     must fail: the reader's `willSleep` as a plain store
 *   spin -DPLAIN_WRITER_SLEEP -run sleep.pml     must fail: the writer's `willSleep` as a plain store
 */

#ifndef RECORDS
#define RECORDS 4
#endif
/* Records that fit: one makes the writer sleep as often as can be. */
#ifndef ROOM
#define ROOM 1
#endif

#define COMMITTED 0
#define FREED 1
#define READER_SLEEPS 2
#define WRITER_SLEEPS 3
byte memory[4];

/* What each processor has stored and not yet shown. */
chan writerBuffer = [4] of { byte, byte };
chan readerBuffer = [4] of { byte, byte };

/* A doorbell is a byte in a socket: it stays until it is read. */
bool bellOfReader = false;
bool bellOfWriter = false;

inline fence(buffer) { empty(buffer) }

active proctype showWriter() {
  byte at, value;
end:
  do
  :: atomic { writerBuffer?at, value -> memory[at] = value }
  od
}

active proctype showReader() {
  byte at, value;
end:
  do
  :: atomic { readerBuffer?at, value -> memory[at] = value }
  od
}

active proctype writer() {
  byte record = 1;
  bool slept;
  do
  :: record > RECORDS -> break
  :: else ->
    if
    :: record - memory[FREED] <= ROOM ->
      writerBuffer!COMMITTED, record;
#ifndef NO_WRITER_FENCE
      fence(writerBuffer);
#endif
      if
      :: memory[READER_SLEEPS] != 0 ->
        atomic { empty(writerBuffer) -> slept = memory[READER_SLEEPS] != 0; memory[READER_SLEEPS] = 0 }
        if
        :: slept -> bellOfReader = true
        :: else -> skip
        fi
      :: else -> skip
      fi;
      record++
    :: else ->
#ifdef PLAIN_WRITER_SLEEP
      writerBuffer!WRITER_SLEEPS, 1;
#else
      atomic { empty(writerBuffer) -> memory[WRITER_SLEEPS] = 1 }
#endif
      if
      :: record - memory[FREED] <= ROOM -> skip
      :: else -> atomic { bellOfWriter -> bellOfWriter = false }
      fi;
      writerBuffer!WRITER_SLEEPS, 0
    fi
  od
}

/* Lets the writer have the room of all records before this one, and wakes it. */
inline publish() {
  readerBuffer!FREED, record - 1;
  published = record - 1;
#ifndef NO_READER_FENCE
  fence(readerBuffer);
#endif
  if
  :: memory[WRITER_SLEEPS] != 0 ->
    atomic { empty(readerBuffer) -> slept = memory[WRITER_SLEEPS] != 0; memory[WRITER_SLEEPS] = 0 }
    if
    :: slept -> bellOfWriter = true
    :: else -> skip
    fi
  :: else -> skip
  fi
}

active proctype reader() {
  byte record = 1;
  byte published = 0;
  bool slept;
  do
  :: record > RECORDS -> break
  :: else ->
    if
    :: memory[COMMITTED] >= record ->
      record++;
      /* When a quarter has gathered, whenever that is; certainly when there is nothing more to read. */
      if
      :: publish()
      :: skip
      fi
#ifndef NO_PUBLISH
    :: memory[COMMITTED] < record && published < record - 1 -> publish()
#endif
    :: else ->
#ifdef PLAIN_READER_SLEEP
      readerBuffer!READER_SLEEPS, 1;
#else
      atomic { empty(readerBuffer) -> memory[READER_SLEEPS] = 1 }
#endif
      if
      :: memory[COMMITTED] >= record -> skip
      :: else -> atomic { bellOfReader -> bellOfReader = false }
      fi;
      readerBuffer!READER_SLEEPS, 0
    fi
  od
}
