//: about = "clone3(2) with a pidfd, waited for by it"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"
#include <linux/sched.h>
#include <poll.h>

int main(void) {
  int pidfd = -1;
  struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
  pid_t child = DO(syscall(SYS_clone3, &args, sizeof args));
  if (child == 0) {
    get("in.txt");
    put("out.txt", "2");
    _exit(0);
  }
  struct pollfd wait = {.fd = pidfd, .events = POLLIN};
  DO(poll(&wait, 1, -1));
  reap(child);
}
