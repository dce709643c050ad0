/* Queues that keep the boundaries of messages, and block whoever sends to a full one: POSIX and System V. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "floor.h"

/** Small, because all queues of a user together have 819,200 bytes, his own limit, also root's; mq_overview(7). */
enum { POSIX_MESSAGES = 8, POSIX_BYTES = 1024 };

/** What one message may have, and half of what a queue holds; msgget(2), MSGMAX and MSGMNB. */
enum { SYSV_BYTES = 8192 };

/** [0] is read by the child, [1] by the parent. */
static mqd_t posix_queues[2];
static int sysv_queues[2] = {-1, -1};
static int in, out;

static void become(enum end end, pid_t peer) {
  (void)peer;
  in = end == CHILD ? 0 : 1;
  out = 1 - in;
}

static void create_posix(size_t size) {
  (void)size;
  struct mq_attr attributes = {.mq_maxmsg = POSIX_MESSAGES, .mq_msgsize = POSIX_BYTES};
  for (int way = 0; way < 2; way++) {
    char name[64];
    snprintf(name, sizeof name, "/strait-floor-%d-%d", getpid(), way);
    posix_queues[way] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    if (posix_queues[way] < 0) die("mq_open");
    if (mq_unlink(name) != 0) die("mq_unlink");
  }
}

static void posix_send(const uint8_t *message, size_t size) {
  for (size_t at = 0; at < size; at += POSIX_BYTES) {
    if (mq_send(posix_queues[out], (const char *)message + at, least(size - at, POSIX_BYTES), 0) != 0) die("mq_send");
  }
}

static void posix_receive(uint8_t *message, size_t size) {
  /* The kernel wants room for the longest message that the queue takes. */
  char piece[POSIX_BYTES];
  for (size_t at = 0; at < size; at += POSIX_BYTES) {
    const size_t wanted = least(size - at, POSIX_BYTES);
    const ssize_t count = mq_receive(posix_queues[in], piece, sizeof piece, NULL);
    if (count < 0) die("mq_receive");
    if ((size_t)count != wanted) give_up("a message was cut");
    memcpy(message + at, piece, wanted);
  }
}

static struct {
  long type;
  uint8_t payload[SYSV_BYTES];
} sysv_piece = {.type = 1};

static void remove_sysv(void) {
  for (int way = 0; way < 2; way++) msgctl(sysv_queues[way], IPC_RMID, NULL);
}

static void create_sysv(size_t size) {
  (void)size;
  on_leaving(remove_sysv);
  for (int way = 0; way < 2; way++) {
    sysv_queues[way] = msgget(IPC_PRIVATE, 0600);
    if (sysv_queues[way] < 0) die("msgget");
  }
}

static void sysv_send(const uint8_t *message, size_t size) {
  for (size_t at = 0; at < size; at += SYSV_BYTES) {
    const size_t count = least(size - at, SYSV_BYTES);
    memcpy(sysv_piece.payload, message + at, count);
    if (msgsnd(sysv_queues[out], &sysv_piece, count, 0) != 0) die("msgsnd");
  }
}

static void sysv_receive(uint8_t *message, size_t size) {
  for (size_t at = 0; at < size; at += SYSV_BYTES) {
    const size_t wanted = least(size - at, SYSV_BYTES);
    const ssize_t count = msgrcv(sysv_queues[in], &sysv_piece, SYSV_BYTES, 0, 0);
    if (count < 0) die("msgrcv");
    if ((size_t)count != wanted) give_up("a message was cut");
    memcpy(message + at, sysv_piece.payload, wanted);
  }
}

const struct mechanism mq_floor = {"mq", create_posix, become, posix_send, posix_receive};
const struct mechanism sysv_mq_floor = {"sysv-mq", create_sysv, become, sysv_send, sysv_receive};
