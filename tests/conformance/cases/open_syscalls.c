//: about = "open(2), creat(2) and openat(2) as plain system calls"
//: reads = ["old.txt"]
//: writes = ["by_creat.txt", "by_open.txt", "by_openat.txt"]
//: [before]
//: "old.txt" = "old\n"
//: "by_creat.txt" = "will be cut\n"
#include "lib.h"

int main(void) {
#ifdef SYS_open
  drain(DO(syscall(SYS_open, "old.txt", O_RDONLY)));
  say(DO(syscall(SYS_open, "by_open.txt", O_WRONLY | O_CREAT, 0600)), "1");
  say(DO(syscall(SYS_creat, "by_creat.txt", 0600)), "2");
#else
  get("old.txt");
  put("by_open.txt", "1");
  say(DO(creat("by_creat.txt", 0600)), "2");
#endif
  say(DO(syscall(SYS_openat, AT_FDCWD, "by_openat.txt", O_WRONLY | O_CREAT | O_EXCL, 0600)), "3");
}
