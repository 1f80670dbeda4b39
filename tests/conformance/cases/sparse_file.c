//: about = "a file of holes with one byte at its end, and one with a hole in the middle that is read by SEEK_DATA"
//: setup = "truncate -s 1M in.bin; printf data >> in.bin"
//: reads = ["in.bin"]
//: writes = ["out.bin"]
#include "lib.h"

int main(void) {
  int in = DO(open("in.bin", O_RDONLY)), out = DO(open("out.bin", O_WRONLY | O_CREAT, 0644));
  off_t data = DO(lseek(in, 0, SEEK_DATA));
  char byte;
  DO(pread(in, &byte, 1, data));
  DO(pwrite(out, &byte, 1, 4 << 20));
}
