/*
 * Round trips between two processes as blocking C makes them: what no other program can be much faster than.
 *
 *   floor MECHANISM BYTES [CORE CORE]      rounds, as floor.h says
 *   floor lock ...                         locks instead: locks.c
 */
#include <string.h>

#include "floor.h"

static const struct mechanism *const mechanisms[] = {
    &pipe_floor, &fifo_floor, &unix_floor, &seqpacket_floor, &tcp_floor,
    &eventfd_floor, &futex_floor, &spin_floor,
    &mq_floor, &sysv_mq_floor, &sem_floor, &sysv_sem_floor, &signal_floor,
    &memcpy_floor,
    NULL,
};

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "lock") == 0) return lock_main(argc - 1, argv + 1);
  return rounds_main(argc, argv, mechanisms);
}
