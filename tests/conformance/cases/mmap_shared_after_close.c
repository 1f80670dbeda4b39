//: about = "a shared mapping is written long after its descriptor is closed, by a child too"
//: reads = ["old.bin"]
//: writes = ["old.bin", "new.bin"]
//: [before]
//: "old.bin" = "0123456789"
#include "lib.h"

static char *map(const char *name, int flags) {
  int fd = DO(open(name, flags, 0644));
  if (flags & O_CREAT) DO(ftruncate(fd, 10));
  char *content = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  DO(content == MAP_FAILED ? -1 : 0);
  DO(close(fd));
  return content;
}

int main(void) {
  char *old = map("old.bin", O_RDWR), *new = map("new.bin", O_RDWR | O_CREAT);
  pid_t child = DO(fork());
  if (child == 0) {
    old[9] = 'c';
    _exit(0);
  }
  reap(child);
  memcpy(new, "abcdefghij", 10);
}
