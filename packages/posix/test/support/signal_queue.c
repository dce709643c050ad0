// What a program in C does with queued signals: sigqueue(3), rt_tgsigqueueinfo(2), sigwaitinfo(2).
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sendOne(int pid, int tid, int number, union sigval value) {
  if (tid == 0) return sigqueue(pid, number, value);
  siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value = value;
  return (int)syscall(SYS_rt_tgsigqueueinfo, pid, tid, number, &info);
}

int main(int count, char **arguments) {
  if (count < 4) return 1;
  const char *verb = arguments[1];
  if (strcmp(verb, "send") == 0) {  // pid, tid or 0, signal, n, first: sends n values, first, first + 1, …
    int pid = atoi(arguments[2]), tid = atoi(arguments[3]), number = atoi(arguments[4]);
    uint64_t first = strtoull(arguments[6], NULL, 10);
    for (long sent = 0; sent < atol(arguments[5]);) {
      union sigval value = {.sival_ptr = (void *)(uintptr_t)(first + (uint64_t)sent)};
      if (sendOne(pid, tid, number, value) == 0) sent++;
      else if (errno == EAGAIN) usleep(100);
      else return 2;
    }
  } else if (strcmp(verb, "receive") == 0) {  // signal, n: says that it is ready, then each value and sender
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, atoi(arguments[2]));
    sigprocmask(SIG_BLOCK, &set, NULL);
    puts("ready");
    fflush(stdout);
    for (long left = atol(arguments[3]); left > 0; left--) {
      siginfo_t info;
      if (sigwaitinfo(&set, &info) < 0) return 2;
      printf("%llu from %d\n", (unsigned long long)(uintptr_t)info.si_value.sival_ptr, info.si_pid);
    }
  } else {
    return 1;
  }
  return 0;
}
