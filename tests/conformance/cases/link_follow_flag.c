//: about = "linkat(2) of a symbolic link: itself without AT_SYMLINK_FOLLOW, its target with it"
//: setup = "ln -s target.txt link"
//: reads = ["target.txt"]
//: writes = ["file.txt"]
//: [before]
//: "target.txt" = "t"
#include "lib.h"

int main(void) {
  DO(linkat(AT_FDCWD, "link", AT_FDCWD, "link_again", 0));
  DO(linkat(AT_FDCWD, "link", AT_FDCWD, "file.txt", AT_SYMLINK_FOLLOW));
}
