//: about = "a private mapping is changed in memory: the file is only read"
//: reads = ["in.bin"]
//: [before]
//: "in.bin" = "0123456789"
#include "lib.h"

int main(void) {
  int fd = DO(open("in.bin", O_RDONLY));
  char *content = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  DO(content == MAP_FAILED ? -1 : 0);
  DO(close(fd));
  content[3] = 'X';
}
