//: about = "a child works, then lives on after the end of the command: the record says that it may be incomplete"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: warnings = ["still-running"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

int main(void) {
  int done[2];
  DO(pipe(done));
  if (DO(fork()) == 0) {
    DO(daemon(1, 0));
    get("in.txt");
    put("out.txt", "before the end");
    say(done[1], "x");
    DO(close(done[1]));
    sleep(10);
    _exit(0);
  }
  char byte;
  DO(read(done[0], &byte, 1));
}
