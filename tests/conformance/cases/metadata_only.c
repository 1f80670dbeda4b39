//: about = "times, modes, owners, extended attributes and locks are no content"
//: [before]
//: "a.txt" = "a"
//: "b.txt" = "b"
#include "lib.h"
#include <sys/file.h>
#include <sys/xattr.h>

int main(void) {
  struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1100000000}};
  DO(utimensat(AT_FDCWD, "a.txt", times, 0));
  DO(utimensat(AT_FDCWD, "a.txt", NULL, 0));
  DO(chmod("a.txt", 0600));
  DO(chown("a.txt", getuid(), getgid()));
  setxattr("a.txt", "user.note", "x", 1, 0);
  int b = DO(open("b.txt", O_WRONLY));
  DO(futimens(b, times));
  DO(fchmod(b, 0640));
  DO(flock(b, LOCK_EX));
}
