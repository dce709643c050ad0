// What a program in C does with the same semaphores; sem_overview(7), semop(2).
//
//   semaphore make WHERE INITIAL    makes it, or finds it
//   semaphore take WHERE COUNT      takes one after the other, prints "taken", and ends
//   semaphore hold WHERE            takes one, undone at the end where that can be, prints "taken", and sleeps
//   semaphore give WHERE COUNT
//   semaphore value WHERE           prints it
//   semaphore relay FROM TO COUNT   takes from the one and gives to the other
//
// WHERE is a name; `memory:OFFSET`, in the memory that is descriptor 3; or a System V key, in decimal.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

struct semaphore {
  sem_t* posix;
  int set;
};

static void fail(const char* what) {
  perror(what);
  exit(2);
}

static struct semaphore find(const char* where, unsigned initial) {
  struct semaphore found = {NULL, -1};
  if (where[0] == '/') {
    found.posix = sem_open(where, O_CREAT, 0600, initial);
    if (found.posix == SEM_FAILED) fail("sem_open");
  } else if (strncmp(where, "memory:", 7) == 0) {
    char* memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
    if (memory == MAP_FAILED) fail("mmap");
    found.posix = (sem_t*)(memory + atoi(where + 7));
    if (initial > 0 && sem_init(found.posix, 1, initial) < 0) fail("sem_init");
  } else {
    const key_t key = (key_t)strtol(where, NULL, 0);
    found.set = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
    if (found.set >= 0) {
      struct sembuf first = {0, (short)initial, 0};
      if (semop(found.set, &first, 1) < 0) fail("semop");
    } else {
      if (errno != EEXIST) fail("semget");
      found.set = semget(key, 1, 0);
      if (found.set < 0) fail("semget");
    }
  }
  return found;
}

static void change(struct semaphore semaphore, short by, short flags) {
  if (semaphore.posix == NULL) {
    struct sembuf step = {0, by, flags};
    if (semop(semaphore.set, &step, 1) < 0) fail("semop");
  } else if (by < 0) {
    if (sem_wait(semaphore.posix) < 0) fail("sem_wait");
  } else if (sem_post(semaphore.posix) < 0) {
    fail("sem_post");
  }
}

static int value(struct semaphore semaphore) {
  int value = 0;
  if (semaphore.posix == NULL) return semctl(semaphore.set, 0, GETVAL);
  if (sem_getvalue(semaphore.posix, &value) < 0) fail("sem_getvalue");
  return value;
}

int main(int count, char** arguments) {
  if (count < 3) return 1;
  const char* verb = arguments[1];
  const int number = isdigit((unsigned char)arguments[count - 1][0]) ? atoi(arguments[count - 1]) : 0;
  const struct semaphore first = find(arguments[2], strcmp(verb, "make") == 0 ? (unsigned)number : 0);
  if (strcmp(verb, "take") == 0) {
    for (int i = 0; i < number; i++) change(first, -1, 0);
    puts("taken");
  } else if (strcmp(verb, "hold") == 0) {
    change(first, -1, SEM_UNDO);
    puts("taken");
    fflush(stdout);
    pause();
  } else if (strcmp(verb, "give") == 0) {
    for (int i = 0; i < number; i++) change(first, 1, 0);
  } else if (strcmp(verb, "value") == 0) {
    printf("%d\n", value(first));
  } else if (strcmp(verb, "relay") == 0) {
    const struct semaphore second = find(arguments[3], 0);
    for (int i = 0; i < number; i++) {
      change(first, -1, 0);
      change(second, 1, 0);
    }
  }
  return 0;
}
