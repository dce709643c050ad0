/* Publish, sleep, wake and end of the ring in native/ring.h, with the store buffers of x86-TSO: a store waits in its
 * processor's buffer before the other one sees it, while loads go ahead. Spin assumes sequential consistency and would
 * not see a missing fence without them.
 *
 * The end is a hang-up of the socket on which the bells ring, when the writer has closed after its last record, or the
 * reader has gone, whenever it likes. The kernel tells it, behind locks of its own: what was stored before is seen first.
 *
 * Properties:
 *   Nobody sleeps for ever. A deadlock is what Spin calls an invalid end state.
 *   Every record is read before the end counts.
 *   No record is written over while it is read in place.
 *
 *   spin -run sleep.pml                          must pass
 *   spin -DNO_WRITER_FENCE -run sleep.pml        must fail: `readerSleeps` without its fence
 *   spin -DNO_READER_FENCE -run sleep.pml        must fail: `publish` of the reader without its fence
 *   spin -DNO_PUBLISH -run sleep.pml             must fail: who finds nothing keeps room to itself
 *   spin -DPLAIN_READER_SLEEP -run sleep.pml     must fail: the reader's `willSleep` as a plain store
 *   spin -DPLAIN_WRITER_SLEEP -run sleep.pml     must fail: the writer's `willSleep` as a plain store
 *   spin -DEARLY_RELEASE -run sleep.pml          must fail: room is published while its record is still read
 *   spin -DDEAF -run sleep.pml                   must fail: who sleeps hears bells only, no hang-up
 *   spin -DEND_BEFORE_DRAIN -run sleep.pml       must fail: the end counts before the ring has been read
 *   spin -DEND_WITHOUT_LOOK -run sleep.pml       must fail: the end counts after a look that was made before it came
 */

#ifndef RECORDS
#define RECORDS 4
#endif
/* Records that fit: one makes the writer sleep as often as can be. */
#ifndef ROOM
#define ROOM 1
#endif

/* Whether the reader may go before the end: then a writer that waits for room must hear of it. */
#ifndef LEAVES
#define LEAVES false
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

/* The ends of the socket. */
bool writerGone = false;
bool readerGone = false;

/* The record that the reader has before it; 0: none. */
byte lent = 0;

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

#ifdef DEAF
#define HEARD(bell, gone) (bell)
#else
#define HEARD(bell, gone) (bell || gone)
#endif

active proctype writer() {
  byte record = 1;
  bool slept;
  do
  :: record > RECORDS || readerGone -> break
  :: else ->
    if
    :: record - memory[FREED] <= ROOM ->
      /* The place of a record is that of the one ROOM before it. */
      assert(lent == 0 || record - lent < ROOM);
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
      :: else -> atomic { HEARD(bellOfWriter, readerGone) -> bellOfWriter = false }
      fi;
      writerBuffer!WRITER_SLEEPS, 0
    fi
  od;
  atomic { empty(writerBuffer) -> writerGone = true }
}

/* Lets the writer have the room of all records before this one, and wakes it. */
inline publish(next) {
  readerBuffer!FREED, next - 1;
  published = next - 1;
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
  bool over = false;
  do
  :: LEAVES -> readerGone = true; break
  :: over = writerGone;
#ifdef END_BEFORE_DRAIN
    if
    :: over -> assert(record > RECORDS); break
    :: else -> skip
    fi;
#endif
    if
    :: memory[COMMITTED] >= record ->
      lent = record;
      /* Whatever was read before may be published meanwhile, this one not. */
      if
#ifdef EARLY_RELEASE
      :: publish(record + 1)
#else
      :: published < record - 1 -> publish(record)
#endif
      :: skip
      fi;
      lent = 0;
      record++;
      /* When a quarter has gathered, whenever that is; certainly when there is nothing more to read. */
      if
      :: publish(record)
      :: skip
      fi
#ifndef NO_PUBLISH
    :: memory[COMMITTED] < record && published < record - 1 -> publish(record)
#endif
    :: else ->
#ifdef END_WITHOUT_LOOK
      over = writerGone;
#endif
      if
      :: over -> assert(record > RECORDS); break
      :: else -> skip
      fi;
#ifdef PLAIN_READER_SLEEP
      readerBuffer!READER_SLEEPS, 1;
#else
      atomic { empty(readerBuffer) -> memory[READER_SLEEPS] = 1 }
#endif
      if
      :: memory[COMMITTED] >= record -> skip
      :: else -> atomic { HEARD(bellOfReader, writerGone) -> bellOfReader = false }
      fi;
      readerBuffer!READER_SLEEPS, 0
    fi
  od
}
