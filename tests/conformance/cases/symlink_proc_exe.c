//: about = "a program in the project reads itself through /proc/self/exe"
//: setup = "cp \"$PROGRAM\" self"
//: argv = ["./self"]
//: reads = ["self"]
//: writes = ["copy"]
#include "lib.h"

int main(void) {
  char buffer[1 << 16];
  ssize_t count;
  int in = DO(open("/proc/self/exe", O_RDONLY)), out = DO(open("copy", O_WRONLY | O_CREAT, 0755));
  while ((count = DO(read(in, buffer, sizeof buffer))) > 0) DO(write(out, buffer, count));
}
