//: about = "a second name for an old file; the first one is removed"
//: reads = ["kept.txt", "gone.txt"]
//: writes = ["kept_alias.txt", "gone_alias.txt"]
//: [before]
//: "kept.txt" = "k"
//: "gone.txt" = "g"
#include "lib.h"

int main(void) {
  DO(link("kept.txt", "kept_alias.txt"));
  DO(link("gone.txt", "gone_alias.txt"));
  DO(unlink("gone.txt"));
}
