/* Blocking read(2) and write(2) on what the kernel gives as a descriptor. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor.h"

/** More than this in one packet may be refused with EMSGSIZE; socket(7), SO_SNDBUF. */
#define PACKET_MAX ((size_t)64 * 1024)

/** There and back: [0] is read by the child, [1] by the parent; in each [0] is the end to read. */
static int ways[2][2];
static int in, out;
static size_t most_per_write = SIZE_MAX;

static void create_pipe(size_t size) {
  (void)size;
  for (int way = 0; way < 2; way++) {
    if (pipe2(ways[way], O_CLOEXEC) != 0) die("pipe2");
  }
}

/** The reader first, and without waiting, because each end waits in open(2) until there is the other; fifo(7). */
static void open_fifo(const char *path, int way[2]) {
  if (mkfifo(path, 0600) != 0) die("mkfifo");
  way[0] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  way[1] = open(path, O_WRONLY | O_CLOEXEC);
  unlink(path);
  if (way[0] < 0 || way[1] < 0 || fcntl(way[0], F_SETFL, 0) != 0) die("open");
}

static void create_fifo(size_t size) {
  (void)size;
  const char *temporary = getenv("TMPDIR");
  char directory[4096];
  char path[sizeof directory + 8];
  snprintf(directory, sizeof directory, "%s/strait-floor-XXXXXX", temporary != NULL ? temporary : "/tmp");
  if (mkdtemp(directory) == NULL) die("mkdtemp");
  snprintf(path, sizeof path, "%s/fifo", directory);
  for (int way = 0; way < 2; way++) open_fifo(path, ways[way]);
  rmdir(directory);
}

static void create_socket(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) die("socketpair");
  ways[0][1] = ways[1][0] = ends[PARENT];
  ways[0][0] = ways[1][1] = ends[CHILD];
}

static void create_unix(size_t size) {
  (void)size;
  create_socket(SOCK_STREAM);
}

static void create_seqpacket(size_t size) {
  (void)size;
  create_socket(SOCK_SEQPACKET);
  most_per_write = PACKET_MAX;
}

/** Closes nothing: who dies is noticed by the parent's SIGCHLD and the child's PR_SET_PDEATHSIG, not by end of file. */
static void become(enum end end, pid_t peer) {
  (void)peer;
  in = end == CHILD ? ways[0][0] : ways[1][0];
  out = end == CHILD ? ways[1][1] : ways[0][1];
}

static void write_all(const uint8_t *message, size_t size) {
  while (size > 0) {
    const ssize_t count = write(out, message, least(size, most_per_write));
    if (count < 0) die("write");
    message += count;
    size -= (size_t)count;
  }
}

static void read_all(uint8_t *message, size_t size) {
  while (size > 0) {
    const ssize_t count = read(in, message, size);
    if (count < 0) die("read");
    if (count == 0) give_up("the peer has closed its end");
    message += count;
    size -= (size_t)count;
  }
}

const struct mechanism pipe_floor = {"pipe", create_pipe, become, write_all, read_all};
const struct mechanism fifo_floor = {"fifo", create_fifo, become, write_all, read_all};
const struct mechanism unix_floor = {"unix", create_unix, become, write_all, read_all};
const struct mechanism seqpacket_floor = {"seqpacket", create_seqpacket, become, write_all, read_all};
