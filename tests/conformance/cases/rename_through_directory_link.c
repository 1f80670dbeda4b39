//: about = "renames through a link to a directory: the real directory counts"
//: setup = "ln -s real alias"
//: reads = ["real/a.txt"]
//: writes = ["real/b.txt"]
//: [before]
//: "real/a.txt" = "1"
#include "lib.h"

int main(void) { DO(rename("alias/a.txt", "alias/b.txt")); }
