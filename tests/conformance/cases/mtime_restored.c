//: about = "content of the same length is changed and the old times are put back"
//: reads = ["mapped.bin"]
//: writes = ["written.bin", "mapped.bin"]
//: [before]
//: "written.bin" = "0123456789"
//: "mapped.bin" = "0123456789"
#include "lib.h"

int main(void) {
  struct stat before;
  int written = DO(open("written.bin", O_WRONLY));
  DO(fstat(written, &before));
  say(written, "9876543210");
  DO(futimens(written, (struct timespec[2]){before.st_atim, before.st_mtim}));
  int mapped = DO(open("mapped.bin", O_RDWR));
  DO(fstat(mapped, &before));
  char *content = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
  DO(content == MAP_FAILED ? -1 : 0);
  content[0] = 'X';
  DO(munmap(content, 10));
  DO(utimensat(AT_FDCWD, "mapped.bin", (struct timespec[2]){before.st_atim, before.st_mtim}, 0));
}
