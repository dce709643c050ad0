// Bytes through a descriptor, as any program would: bytes read PATH | bytes write PATH LENGTH; a PATH of - is 0 or 1.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned char buffer[1 << 16];

static uint32_t sum(uint32_t hash, const unsigned char* bytes, size_t length) {
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

int main(int count, char** words) {
  if (count < 3) return 64;
  const int writing = strcmp(words[1], "write") == 0;
  int descriptor = writing ? 1 : 0;
  if (strcmp(words[2], "-") != 0) descriptor = open(words[2], writing ? O_WRONLY : O_RDONLY);
  if (descriptor < 0) return perror("open"), 1;
  uint32_t hash = 2166136261u;
  long total = 0;
  if (writing) {
    const long length = atol(words[3]);
    while (total < length) {
      size_t part = sizeof buffer;
      if ((long)part > length - total) part = (size_t)(length - total);
      for (size_t i = 0; i < part; i++) buffer[i] = (unsigned char)((total + (long)i) % 251);
      for (size_t done = 0; done < part;) {
        const ssize_t wrote = write(descriptor, buffer + done, part - done);
        if (wrote < 0) return perror("write"), 1;
        done += (size_t)wrote;
      }
      hash = sum(hash, buffer, part);
      total += (long)part;
    }
  } else {
    for (ssize_t got; (got = read(descriptor, buffer, sizeof buffer)) != 0; total += got) {
      if (got < 0) return perror("read"), 1;
      hash = sum(hash, buffer, (size_t)got);
    }
  }
  fprintf(writing ? stderr : stdout, "%ld %u\n", total, hash);
  return 0;
}
