//: about = "O_PATH alone is no use of a file; reading through it by /proc/self/fd is"
//: reads = ["through.txt"]
//: writes = ["out.txt"]
//: [before]
//: "only_named.txt" = "never read"
//: "through.txt" = "read"
#include "lib.h"

static void again(int fd, int flags, const char *text) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  int reopened = DO(open(name, flags));
  text ? say(reopened, text) : drain(reopened);
}

int main(void) {
  int named = DO(open("only_named.txt", O_PATH));
  struct stat found;
  DO(fstat(named, &found));
  again(DO(open("through.txt", O_PATH | O_NOFOLLOW)), O_RDONLY, NULL);
  again(DO(open("out.txt", O_RDONLY | O_CREAT, 0644)), O_WRONLY, "written");
}
