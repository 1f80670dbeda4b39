//: about = "RENAME_EXCHANGE of two directories with old, new and nested files, some of one name"
//: reads = ["left/same.txt", "right/same.txt", "left/deep/l.txt"]
//: writes = ["left/same.txt", "right/same.txt", "right/deep/l.txt", "left/new.txt"]
//: [before]
//: "left/same.txt" = "left"
//: "right/same.txt" = "right"
//: "left/deep/l.txt" = "deep"
#include "lib.h"

int main(void) {
  put("right/new.txt", "new");
  DO(renameat2(AT_FDCWD, "left", AT_FDCWD, "right", RENAME_EXCHANGE));
}
