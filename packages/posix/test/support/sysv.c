// What a program in C does with System V queues and memory; msgop(2), shmop(2). Where there is none, it makes it.
//
//   sysv send KEY [TYPE TEXT]…
//   sysv receive KEY TYPE COUNT     prints each: its type and its text
//   sysv echo FROM TO COUNT         sends back each with a type that is higher by one
//   sysv invert KEY SIZE            prints whether the memory had counted up from 0, and inverts each byte
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>

static struct {
  long type;
  char text[8192];
} letter;

static int open_queue(const char* key) {
  const int queue = msgget((key_t)strtoul(key, NULL, 0), IPC_CREAT | 0600);
  if (queue < 0) perror(key), exit(2);
  return queue;
}

static size_t receive(int queue, long type) {
  const ssize_t length = msgrcv(queue, &letter, sizeof letter.text, type, 0);
  if (length < 0) perror("msgrcv"), exit(2);
  return (size_t)length;
}

static void send(int queue, size_t length) {
  if (msgsnd(queue, &letter, length, 0) < 0) perror("msgsnd"), exit(2);
}

static void invert(const char* key, size_t size) {
  const int segment = shmget((key_t)strtoul(key, NULL, 0), size, IPC_CREAT | 0600);
  if (segment < 0) perror(key), exit(2);
  unsigned char* bytes = shmat(segment, NULL, 0);
  if (bytes == (void*)-1) perror("shmat"), exit(2);
  int counts = 1;
  for (size_t i = 0; i < size; i++) {
    counts = counts && bytes[i] == (unsigned char)i;
    bytes[i] = (unsigned char)~bytes[i];
  }
  puts(counts ? "counts" : "does not count");
  if (shmdt(bytes) < 0) perror("shmdt"), exit(2);
}

int main(int count, char** arguments) {
  if (count < 3) return 1;
  const char* verb = arguments[1];
  if (strcmp(verb, "send") == 0) {
    const int queue = open_queue(arguments[2]);
    for (int i = 3; i + 1 < count; i += 2) {
      const size_t length = strlen(arguments[i + 1]);
      letter.type = atol(arguments[i]);
      memcpy(letter.text, arguments[i + 1], length);
      send(queue, length);
    }
  } else if (strcmp(verb, "receive") == 0 && count > 4) {
    const int queue = open_queue(arguments[2]);
    for (int left = atoi(arguments[4]); left > 0; left--) {
      const size_t length = receive(queue, atol(arguments[3]));
      printf("%ld %.*s\n", letter.type, (int)length, letter.text);
    }
  } else if (strcmp(verb, "echo") == 0 && count > 4) {
    const int from = open_queue(arguments[2]);
    const int to = open_queue(arguments[3]);
    for (int left = atoi(arguments[4]); left > 0; left--) {
      const size_t length = receive(from, 0);
      letter.type++;
      send(to, length);
    }
  } else if (strcmp(verb, "invert") == 0 && count > 3) {
    invert(arguments[2], strtoul(arguments[3], NULL, 0));
  } else {
    return 1;
  }
  return 0;
}
