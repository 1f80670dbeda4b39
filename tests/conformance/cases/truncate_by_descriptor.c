//: about = "ftruncate(2) on descriptors that can and cannot read"
//: reads = ["read_and_cut.bin"]
//: writes = ["read_and_cut.bin", "only_cut.bin", "grown.bin"]
//: [before]
//: "read_and_cut.bin" = "0123456789"
//: "only_cut.bin" = "0123456789"
#include "lib.h"

int main(void) {
  int fd = DO(open("read_and_cut.bin", O_RDWR));
  drain(fd);
  DO(ftruncate(fd, 5));
  DO(ftruncate(DO(open("only_cut.bin", O_WRONLY)), 0));
  DO(ftruncate(DO(open("grown.bin", O_WRONLY | O_CREAT, 0644)), 4096));
}
