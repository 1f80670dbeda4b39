//: about = "O_TMPFILE: a name by /proc/self/fd, one by AT_EMPTY_PATH, two names, and none at all"
//: needs = ["trial"]
//: writes = ["by_proc.txt", "by_empty_path.txt", "twice_1.txt", "twice_2.txt"]
#include "lib.h"

static int unnamed(const char *text) {
  int fd = DO(open(".", O_TMPFILE | O_RDWR, 0644));
  say(fd, text);
  return fd;
}

static void name_it(int fd, const char *name) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  DO(linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
}

int main(void) {
  name_it(unnamed("one"), "by_proc.txt");
  DO(linkat(unnamed("two"), "", AT_FDCWD, "by_empty_path.txt", AT_EMPTY_PATH));
  int twice = unnamed("three");
  name_it(twice, "twice_1.txt");
  name_it(twice, "twice_2.txt");
  int never = unnamed("four");
  DO(lseek(never, 0, SEEK_SET));
  drain(never);
}
