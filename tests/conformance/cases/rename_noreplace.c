//: about = "RENAME_NOREPLACE: refused over a file, done to a free name"
//: reads = ["goes.txt"]
//: writes = ["free.txt"]
//: [before]
//: "stays.txt" = "s"
//: "taken.txt" = "t"
//: "goes.txt" = "g"
#include "lib.h"

int main(void) {
  REFUSED(renameat2(AT_FDCWD, "stays.txt", AT_FDCWD, "taken.txt", RENAME_NOREPLACE), EEXIST);
  DO(renameat2(AT_FDCWD, "goes.txt", AT_FDCWD, "free.txt", RENAME_NOREPLACE));
}
