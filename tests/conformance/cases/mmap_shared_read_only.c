//: about = "two processes share a mapping that nobody may write"
//: reads = ["table.bin"]
//: writes = ["sum.txt"]
//: [before]
//: "table.bin" = "0123456789"
#include "lib.h"

int main(void) {
  int fd = DO(open("table.bin", O_RDONLY));
  const char *table = mmap(NULL, 10, PROT_READ, MAP_SHARED, fd, 0);
  DO(table == MAP_FAILED ? -1 : 0);
  DO(close(fd));
  pid_t child = DO(fork());
  if (child == 0) {
    char text[2] = {table[0] + table[1] - '0', 0};
    put("sum.txt", text);
    _exit(0);
  }
  reap(child);
}
