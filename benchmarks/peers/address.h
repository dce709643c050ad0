#pragma once

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../floors/floor.h"

/** Where the parent listens. The child waits until it is told, because who connects to nobody tries again much later. */
struct address {
  int pipe[2];
  char text[128];
};

/** Before the fork. */
static inline void create_address(struct address *address) {
  if (pipe(address->pipe) != 0) die("pipe");
}

static inline void tell_address(const struct address *address) {
  const size_t size = sizeof address->text;
  if (write(address->pipe[1], address->text, size) != (ssize_t)size) die("write");
}

static inline void hear_address(struct address *address) {
  const size_t size = sizeof address->text;
  if (read(address->pipe[0], address->text, size) != (ssize_t)size) die("read");
}
