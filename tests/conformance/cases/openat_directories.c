//: about = "openat(2) relative to directories, with dots, doubled slashes, absolute names and a moved cwd"
//: reads = ["left/in.txt", "right/deep/in.txt"]
//: writes = ["left/out.txt", "right/out.txt", "top.txt"]
//: [before]
//: "left/in.txt" = "1"
//: "right/deep/in.txt" = "2"
#include "lib.h"

int main(void) {
  int left = DO(open("left", O_RDONLY | O_DIRECTORY)), right = DO(open("right/deep", O_PATH));
  DO(chdir("/"));
  drain(DO(openat(left, "in.txt", O_RDONLY)));
  drain(DO(openat(right, ".//../deep/./in.txt", O_RDONLY)));
  say(DO(openat(left, "out.txt", O_WRONLY | O_CREAT, 0644)), "3");
  say(DO(openat(right, "../out.txt", O_WRONLY | O_CREAT, 0644)), "4");
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d/../top.txt", left);
  say(DO(openat(-1, name, O_WRONLY | O_CREAT, 0644)), "5");
}
