//: about = "a project in memory: the usual ways of reading, writing, moving and linking"
//: filesystem = "tmpfs"
//: needs = ["trial"]
//: reads = ["in.txt", "moved.txt", "mapped.bin"]
//: writes = ["in.txt", "there.txt", "mapped.bin", "linked.txt", "recreated.txt"]
//: [before]
//: "in.txt" = "1"
//: "moved.txt" = "2"
//: "mapped.bin" = "0123"
//: "recreated.txt" = "4"
#include "lib.h"

int main(void) {
  get("in.txt");
  put("in.new", "new");
  DO(rename("in.new", "in.txt"));
  DO(rename("moved.txt", "there.txt"));
  int fd = DO(open("mapped.bin", O_RDWR));
  char *content = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  DO(content == MAP_FAILED ? -1 : 0);
  DO(close(fd));
  content[0] = 'X';
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%ld", DO(open(".", O_TMPFILE | O_WRONLY, 0644)));
  DO(linkat(AT_FDCWD, name, AT_FDCWD, "linked.txt", AT_SYMLINK_FOLLOW));
  DO(unlink("recreated.txt"));
  put("recreated.txt", "5");
}
