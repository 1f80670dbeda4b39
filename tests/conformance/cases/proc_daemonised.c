//: about = "a daemon with a session of its own, whose parents are gone, ends before the job"
//: reads = ["in.txt"]
//: writes = ["daemon.log"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"
#include <poll.h>

int main(void) {
  int done[2];
  DO(pipe(done));
  pid_t child = DO(fork());
  if (child == 0) {
    DO(daemon(1, 0));
    get("in.txt");
    add("daemon.log", "worked\n");
    pid_t me = getpid();
    DO(write(done[1], &me, sizeof me));
    _exit(0);
  }
  reap(child);
  pid_t daemon;
  DO(read(done[0], &daemon, sizeof daemon));
  // Its end, not only that of its descriptors. No descriptor of it: it has ended.
  int end = syscall(SYS_pidfd_open, daemon, 0);
  if (end >= 0) DO(poll(&(struct pollfd){end, POLLIN, 0}, 1, 60000));
}
