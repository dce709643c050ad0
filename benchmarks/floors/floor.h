#pragma once

#include <stddef.h>
#include <stdint.h>

enum end { PARENT, CHILD };

/** One way for two processes to exchange messages of a fixed size, one at a time and in turns. */
struct mechanism {
  const char *name;
  /** Makes what both ends share; before the fork. */
  void (*create)(size_t size);
  /** Says which end this process is; after the fork. NULL: there is no other process. */
  void (*become)(enum end end);
  /** Blocks until the message is the kernel's, or in memory that the peer sees. */
  void (*send)(const uint8_t *message, size_t size);
  /** Blocks until a whole message is here. */
  void (*receive)(uint8_t *message, size_t size);
};

extern const struct mechanism pipe_floor, fifo_floor, unix_floor, seqpacket_floor;
extern const struct mechanism eventfd_floor, futex_floor, spin_floor;
extern const struct mechanism memcpy_floor;

/** Ends this process with a line on stderr. */
_Noreturn void give_up(const char *why);

/** The same for a system call that failed, with errno. */
_Noreturn void die(const char *call);

/** Never NULL. */
void *allocate(size_t size);
