//: about = "a file reached through the cwd of another process"
//: reads = ["sub/in.txt"]
//: writes = ["sub/out.txt"]
//: [before]
//: "sub/in.txt" = "x"
#include "lib.h"

int main(void) {
  char name[64];
  DO(chdir("sub"));
  pid_t parent = getpid(), child = DO(fork());
  if (child == 0) {
    DO(chdir("/"));
    snprintf(name, sizeof name, "/proc/%d/cwd/in.txt", parent);
    get(name);
    snprintf(name, sizeof name, "/proc/%d/cwd/out.txt", parent);
    put(name, "made from far away");
    _exit(0);
  }
  reap(child);
}
