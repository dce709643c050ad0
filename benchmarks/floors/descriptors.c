/* Blocking read(2) and write(2) on what the kernel gives as a descriptor. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
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

static void use_sockets(int parent, int child) {
  ways[0][1] = ways[1][0] = parent;
  ways[0][0] = ways[1][1] = child;
}

static void create_socket(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) die("socketpair");
  use_sockets(ends[PARENT], ends[CHILD]);
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

static int tcp_socket(void) {
  const int one = 1;
  const int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (end < 0 || setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) die("socket");
  return end;
}

/** On the loopback. What is accepted has the options of the socket that listens. */
static void create_tcp(size_t size) {
  (void)size;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr *const any = (struct sockaddr *)&address;
  socklen_t length = sizeof address;
  const int listener = tcp_socket(), parent = tcp_socket();
  if (bind(listener, any, length) != 0 || listen(listener, 1) != 0) die("listen");
  if (getsockname(listener, any, &length) != 0 || connect(parent, any, length) != 0) die("connect");
  const int child = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (child < 0) die("accept");
  close(listener);
  use_sockets(parent, child);
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
const struct mechanism tcp_floor = {"tcp", create_tcp, become, write_all, read_all};
