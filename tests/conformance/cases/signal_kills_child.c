//: about = "a child is killed in the middle of its work; what it wrote stays"
//: reads = ["in.txt"]
//: writes = ["half.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

int main(void) {
  int ready[2], status;
  DO(pipe(ready));
  pid_t child = DO(fork());
  if (child == 0) {
    get("in.txt");
    put("half.txt", "half of it");
    say(ready[1], "x");
    for (;;) pause();
  }
  char byte;
  DO(read(ready[0], &byte, 1));
  DO(kill(child, SIGKILL));
  DO(waitpid(child, &status, 0));
  return WTERMSIG(status) == SIGKILL ? 0 : 1;
}
