//: about = "processes with numbers of their own, which reach their descriptors through /proc/self"
//: needs = ["trial"]
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

int main(void) {
  DO(unshare(CLONE_NEWPID));
  pid_t child = DO(fork());
  if (child == 0) {
    if (getpid() != 1) _exit(1);
    get("in.txt");
    pid_t grandchild = DO(fork());
    if (grandchild == 0) {
      put("out.txt", "2");
      _exit(0);
    }
    reap(grandchild);
    _exit(0);
  }
  reap(child);
}
