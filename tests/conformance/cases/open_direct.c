//: about = "O_DIRECT past the page cache"
//: setup = "head -c 8192 /dev/zero | tr '\\0' 'd' > in.raw"
//: needs = ["trial"]
//: reads = ["in.raw"]
//: writes = ["out.raw"]
#include "lib.h"

int main(void) {
  static char buffer[8192] __attribute__((aligned(4096)));
  int in = DO(open("in.raw", O_RDONLY | O_DIRECT));
  int out = DO(open("out.raw", O_WRONLY | O_CREAT | O_DIRECT, 0644));
  DO(read(in, buffer, sizeof buffer) == sizeof buffer ? 0 : -1);
  DO(write(out, buffer, sizeof buffer) == sizeof buffer ? 0 : -1);
}
