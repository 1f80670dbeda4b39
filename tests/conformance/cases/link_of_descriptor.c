//: about = "names for descriptors: AT_EMPTY_PATH and /proc/self/fd, of old files"
//: needs = ["trial"]
//: reads = ["a.txt", "b.txt"]
//: writes = ["a_alias.txt", "b_alias.txt"]
//: [before]
//: "a.txt" = "a"
//: "b.txt" = "b"
#include "lib.h"

int main(void) {
  DO(linkat(DO(open("a.txt", O_PATH)), "", AT_FDCWD, "a_alias.txt", AT_EMPTY_PATH));
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%ld", DO(open("b.txt", O_PATH)));
  DO(linkat(AT_FDCWD, name, AT_FDCWD, "b_alias.txt", AT_SYMLINK_FOLLOW));
}
