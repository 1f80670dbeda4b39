//: about = "RENAME_EXCHANGE of a file with a directory, both ways round"
//: reads = ["f", "d/x", "g", "e/y"]
//: writes = ["f/x", "d", "g/y", "e"]
//: [before]
//: "f" = "file f"
//: "d/x" = "in d"
//: "g" = "file g"
//: "e/y" = "in e"
#include "lib.h"

int main(void) {
  DO(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE));
  DO(renameat2(AT_FDCWD, "e", AT_FDCWD, "g", RENAME_EXCHANGE));
}
