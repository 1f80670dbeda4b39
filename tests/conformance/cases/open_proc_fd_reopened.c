//: about = "one descriptor opened again through /proc/self/fd, /proc/thread-self/fd, /proc/PID/fd and /dev/fd"
//: reads = ["a.txt", "b.txt", "c.txt"]
//: writes = ["b.txt", "new.txt"]
//: [before]
//: "a.txt" = "aaa"
//: "b.txt" = "bbb"
//: "c.txt" = "ccc"
#include "lib.h"

static int again(const char *folder, int fd, int flags) {
  char name[64];
  snprintf(name, sizeof name, "%s/%d", folder, fd);
  return DO(open(name, flags));
}

int main(void) {
  drain(again("/dev/fd", DO(open("a.txt", O_PATH)), O_RDONLY));
  say(again("/proc/thread-self/fd", DO(open("b.txt", O_RDONLY)), O_WRONLY | O_TRUNC), "changed");
  int c = DO(open("c.txt", O_PATH));
  char parent[32];
  snprintf(parent, sizeof parent, "/proc/%d/fd", getpid());
  pid_t child = DO(fork());
  if (child == 0) {
    DO(close(c));
    drain(again(parent, c, O_RDONLY));
    _exit(0);
  }
  reap(child);
  int made = DO(open("new.txt", O_WRONLY | O_CREAT, 0644));
  say(made, "new");
  drain(again("/proc/self/fd", made, O_RDONLY));
}
