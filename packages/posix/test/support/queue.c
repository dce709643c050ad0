// What a program in C does with the same queues; mq_overview(7). Where there is none, it makes one of 4 × 64 bytes.
//
//   queue send NAME [PRIORITY TEXT]…
//   queue receive NAME COUNT          prints each: its priority and its text
//   queue echo FROM TO COUNT          sends back each with a priority that is higher by one
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char buffer[8192];

static mqd_t open_queue(const char* name, int access) {
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
  const mqd_t queue = mq_open(name, access | O_CREAT, 0600, &attributes);
  if (queue < 0) perror(name), exit(2);
  return queue;
}

static size_t receive(mqd_t queue, unsigned* priority) {
  const ssize_t length = mq_receive(queue, buffer, sizeof buffer, priority);
  if (length < 0) perror("mq_receive"), exit(2);
  return (size_t)length;
}

static void send(mqd_t queue, const char* message, size_t length, unsigned priority) {
  if (mq_send(queue, message, length, priority) < 0) perror("mq_send"), exit(2);
}

int main(int count, char** arguments) {
  if (count < 4) return 1;
  const char* verb = arguments[1];
  unsigned priority;
  if (strcmp(verb, "send") == 0) {
    const mqd_t queue = open_queue(arguments[2], O_WRONLY);
    for (int i = 3; i + 1 < count; i += 2)
      send(queue, arguments[i + 1], strlen(arguments[i + 1]), (unsigned)atoi(arguments[i]));
  } else if (strcmp(verb, "receive") == 0) {
    const mqd_t queue = open_queue(arguments[2], O_RDONLY);
    for (int left = atoi(arguments[3]); left > 0; left--) {
      const size_t length = receive(queue, &priority);
      printf("%u %.*s\n", priority, (int)length, buffer);
    }
  } else if (strcmp(verb, "echo") == 0 && count > 4) {
    const mqd_t from = open_queue(arguments[2], O_RDONLY);
    const mqd_t to = open_queue(arguments[3], O_WRONLY);
    for (int left = atoi(arguments[4]); left > 0; left--) {
      const size_t length = receive(from, &priority);
      send(to, buffer, length, priority + 1);
    }
  } else {
    return 1;
  }
  return 0;
}
