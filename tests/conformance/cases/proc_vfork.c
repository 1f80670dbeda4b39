//: about = "vfork(2): the child opens, then executes, while its parent stands still"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "content\n"
#include "lib.h"

int main(void) {
  pid_t child = DO(vfork());
  if (child == 0) {
    int out = open("out.txt", O_WRONLY | O_CREAT, 0644);
    dup2(out, STDOUT_FILENO);
    execlp("cat", "cat", "in.txt", NULL);
    _exit(127);
  }
  reap(child);
}
