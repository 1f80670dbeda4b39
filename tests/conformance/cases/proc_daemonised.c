//: about = "a daemon with a session of its own, whose parents are gone, ends before the job"
//: reads = ["in.txt"]
//: writes = ["daemon.log"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

int main(void) {
  int done[2];
  DO(pipe(done));
  pid_t child = DO(fork());
  if (child == 0) {
    DO(daemon(1, 0));
    get("in.txt");
    add("daemon.log", "worked\n");
    _exit(0);
  }
  DO(close(done[1]));
  reap(child);
  drain(done[0]);
}
