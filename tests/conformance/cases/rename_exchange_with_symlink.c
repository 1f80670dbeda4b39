//: about = "RENAME_EXCHANGE of a symbolic link with a file, each side first once"
//: setup = "ln -s nowhere l1; ln -s nowhere l2"
//: reads = ["f1", "f2"]
//: writes = ["l1", "l2"]
//: [before]
//: "f1" = "one"
//: "f2" = "two"
#include "lib.h"

int main(void) {
  DO(renameat2(AT_FDCWD, "f1", AT_FDCWD, "l1", RENAME_EXCHANGE));
  DO(renameat2(AT_FDCWD, "l2", AT_FDCWD, "f2", RENAME_EXCHANGE));
}
