//: about = "renameat(2) from one directory descriptor to another, far from the cwd"
//: setup = "mkdir to"
//: reads = ["from/old.txt"]
//: writes = ["to/old.txt", "to/new.txt"]
//: [before]
//: "from/old.txt" = "1"
#include "lib.h"

int main(void) {
  int from = DO(open("from", O_RDONLY | O_DIRECTORY)), to = DO(open("to", O_PATH));
  DO(chdir("/"));
  DO(renameat(from, "old.txt", to, "old.txt"));
  say(DO(openat(from, "new.txt.part", O_WRONLY | O_CREAT, 0644)), "2");
  DO(renameat(from, "new.txt.part", to, "new.txt"));
}
