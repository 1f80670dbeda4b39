//: about = "an input whose times and mode are changed before, while and after it is read keeps its hash"
//: reads = ["before.txt", "while.txt", "after.txt"]
//: [before]
//: "before.txt" = "1"
//: "while.txt" = "2"
//: "after.txt" = "3"
#include "lib.h"

static const struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1100000000}};

int main(void) {
  DO(utimensat(AT_FDCWD, "before.txt", long_ago, 0));
  get("before.txt");
  int fd = DO(open("while.txt", O_RDONLY));
  DO(futimens(fd, long_ago));
  drain(fd);
  get("after.txt");
  DO(chmod("after.txt", 0600));
  DO(utimensat(AT_FDCWD, "after.txt", NULL, 0));
}
