//: about = "a file so deep that it has no absolute path: what cannot be named is said to be missing"
//: writes = ["near.txt", "{{dddddddddddddddddddddddddddddd*6}/*25}far.txt"]
//: [blind]
//: ptrace = "*"
//: preload = "*"
//: ebpf = "*"
#include "lib.h"

int main(void) {
  char name[181];
  memset(name, 'd', 180);
  name[180] = 0;
  put("near.txt", "1");
  for (int level = 0; level < 25; level++) {
    DO(mkdir(name, 0755));
    DO(chdir(name));
  }
  put("far.txt", "2");
}
