//: about = "a mapped file that grows by ftruncate(2) and mremap(2) while it is mapped"
//: writes = ["arena.bin"]
#include "lib.h"

int main(void) {
  int fd = DO(open("arena.bin", O_RDWR | O_CREAT | O_TRUNC, 0644));
  DO(ftruncate(fd, 4096));
  char *arena = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  DO(arena == MAP_FAILED ? -1 : 0);
  DO(ftruncate(fd, 1 << 20));
  DO(close(fd));
  arena = mremap(arena, 4096, 1 << 20, MREMAP_MAYMOVE);
  DO(arena == MAP_FAILED ? -1 : 0);
  memset(arena, 'a', 1 << 20);
}
