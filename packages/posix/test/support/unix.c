// The other side of a Unix socket: unix echo|client KIND ADDRESS, where @name is abstract.
//
// echo: listens, prints a line, accepts one and sends every message back until the end. A datagram goes back to whom it
// came from; one of "end" ends it.
// client: connects, sends "from C" and with it the reading end of a pipe that holds "inside"; receives a message with a
// descriptor, prints the message and what can be read from the descriptor.
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[1 << 18];

static int fail(const char* what) {
  perror(what);
  return 1;
}

static socklen_t address(const char* text, struct sockaddr_un* name) {
  const size_t length = strlen(text);
  memset(name, 0, sizeof *name);
  name->sun_family = AF_UNIX;
  memcpy(name->sun_path, text, length);
  if (text[0] == '@') name->sun_path[0] = 0;
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] == '@' ? 0 : 1));
}

static int echo(int listener, int type) {
  if (type == SOCK_DGRAM) {
    puts("ready"), fflush(stdout);
    for (;;) {
      struct sockaddr_un from;
      socklen_t size = sizeof from;
      const ssize_t got = recvfrom(listener, buffer, sizeof buffer, 0, (struct sockaddr*)&from, &size);
      if (got < 0) return fail("recvfrom");
      if (got == 3 && memcmp(buffer, "end", 3) == 0) return 0;
      if (sendto(listener, buffer, (size_t)got, 0, (struct sockaddr*)&from, size) < 0) return fail("sendto");
    }
  }
  if (listen(listener, 1) < 0) return fail("listen");
  puts("ready"), fflush(stdout);
  const int peer = accept(listener, NULL, NULL);
  if (peer < 0) return fail("accept");
  for (ssize_t got; (got = recv(peer, buffer, sizeof buffer, 0)) != 0;) {
    if (got < 0) return fail("recv");
    for (ssize_t done = 0; done < got;) {
      const ssize_t sent = send(peer, buffer + done, (size_t)(got - done), MSG_NOSIGNAL);
      if (sent < 0) return fail("send");
      done += sent;
    }
  }
  return 0;
}

static int client(int peer) {
  int ends[2];
  if (pipe(ends) < 0 || write(ends[1], "inside", 6) != 6) return fail("pipe");
  close(ends[1]);
  char text[] = "from C";
  struct iovec piece = {text, 6};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {0};
  message.msg_iov = &piece, message.msg_iovlen = 1;
  message.msg_control = &control, message.msg_controllen = sizeof control;
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.header), &ends[0], sizeof(int));
  if (sendmsg(peer, &message, 0) != 6) return fail("sendmsg");

  piece.iov_base = buffer, piece.iov_len = sizeof buffer;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(peer, &message, 0);
  if (got < 0) return fail("recvmsg");
  int passed;
  memcpy(&passed, CMSG_DATA(&control.header), sizeof passed);
  char inside[64];
  const ssize_t length = read(passed, inside, sizeof inside);
  if (length < 0) return fail("read");
  printf("%.*s, %.*s\n", (int)got, buffer, (int)length, inside);
  return 0;
}

int main(int count, char** words) {
  if (count != 4) return 64;
  const int type = strcmp(words[2], "stream") == 0   ? SOCK_STREAM
                   : strcmp(words[2], "datagram") == 0 ? SOCK_DGRAM
                                                       : SOCK_SEQPACKET;
  const int own = socket(AF_UNIX, type, 0);
  struct sockaddr_un name;
  const socklen_t size = address(words[3], &name);
  if (strcmp(words[1], "client") == 0) {
    if (connect(own, (struct sockaddr*)&name, size) < 0) return fail("connect");
    return client(own);
  }
  if (bind(own, (struct sockaddr*)&name, size) < 0) return fail("bind");
  return echo(own, type);
}
