// What a program in C does with the same objects: shm_open(3), mmap(2), eventfd(2).
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *map(int descriptor, size_t size) {
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) exit(2);
  return memory;
}

int main(int count, char **arguments) {
  if (count < 2) return 1;
  const char *verb = arguments[1];
  if (strcmp(verb, "create") == 0) {  // name, text: makes it and leaves it
    int descriptor = shm_open(arguments[2], O_CREAT | O_EXCL | O_RDWR, 0600);
    if (descriptor < 0 || ftruncate(descriptor, 4096) < 0) return 2;
    strcpy(map(descriptor, 4096), arguments[3]);
  } else if (strcmp(verb, "answer") == 0) {  // name, text: says what stands there, and writes the text instead
    int descriptor = shm_open(arguments[2], O_RDWR, 0);
    if (descriptor < 0) return 2;
    char *memory = map(descriptor, 4096);
    puts(memory);
    strcpy(memory, arguments[3]);
  } else if (strcmp(verb, "add") == 0) {  // n: adds one to the int at the start of descriptor 3, n times
    int *counter = (int *)map(3, 64);
    for (long left = atol(arguments[2]); left > 0; left--) __atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
  } else if (strcmp(verb, "pong") == 0) {  // takes the counter 3, adds one more to the counter 4
    uint64_t value = 0;
    while (read(3, &value, sizeof value) < 0) usleep(1000);
    value++;
    if (write(4, &value, sizeof value) != sizeof value) return 2;
  } else {
    return 1;
  }
  return 0;
}
