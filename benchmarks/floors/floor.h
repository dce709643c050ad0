#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
#define _Noreturn [[noreturn]]
extern "C" {
#endif

enum end { PARENT, CHILD };

/** One way for two processes to exchange messages of a fixed size, one at a time and in turns. */
struct mechanism {
  const char *name;
  /** Makes what both ends share; before the fork. */
  void (*create)(size_t size);
  /** Says which end this process is, and who is the other; after the fork. NULL: there is no other process. */
  void (*become)(enum end end, pid_t peer);
  /** Blocks until the message is the kernel's, or in memory that the peer sees. */
  void (*send)(const uint8_t *message, size_t size);
  /** Blocks until a whole message is here. */
  void (*receive)(uint8_t *message, size_t size);
};

extern const struct mechanism pipe_floor, fifo_floor, unix_floor, seqpacket_floor, tcp_floor;
extern const struct mechanism eventfd_floor, futex_floor, spin_floor;
extern const struct mechanism mq_floor, sysv_mq_floor, sem_floor, sysv_sem_floor, signal_floor;
extern const struct mechanism memcpy_floor;

/** Ends this process with a line on stderr. */
_Noreturn void give_up(const char *why);

/** The same for a system call that failed, with errno. */
_Noreturn void die(const char *call);

/**
 * Has what outlives both processes removed as either ends. To be called before the fork; `remove` is called more than
 * once, and from signal handlers. Only SIGKILL to both, or to the parent before the fork, leaves something.
 */
void on_leaving(void (*remove)(void));

/** Ends this process, and removes what would outlive it. */
_Noreturn void leave(int status);

/** Never NULL. */
void *allocate(size_t size);

/** The monotonic clock, in ns. */
uint64_t now(void);

/** Binds this process to a core, named by its number. */
void pin(const char *core);

/**
 * 0 in the child, which runs on the core, if there is one. It ends with its parent, however that ends; by SIGTERM, which
 * lets it remove what is left. The parent gives up when the child ends, unless it has set SIGCHLD back before.
 */
pid_t fork_peer(const char *core);

/**
 * Makes round trips over one of the mechanisms, the last of which is NULL. Arguments: its name, the size of a message,
 * and the cores of the parent and of the child, if they are not the kernel's choice.
 *
 * Says `ready PID [PID]`, its own and the child's. Then each line `run MS [US busy|asleep]` on stdin is answered by a line
 * with the durations in ns, as many as fit into so many ms and at least one; before each question the parent computes, or
 * sleeps, for so many us. Between lines both processes are blocked. Ends with stdin. Whichever process outlives the other
 * removes what would outlive both.
 */
int rounds_main(int argc, char **argv, const struct mechanism *const *mechanisms);

/** What `floor lock …` does; locks.c. */
int lock_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif

static inline size_t least(size_t one, size_t other) { return one < other ? one : other; }
