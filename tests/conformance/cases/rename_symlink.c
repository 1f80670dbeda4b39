//: about = "renaming a symbolic link moves no content; reading through its new name does"
//: setup = "ln -s target.txt one; ln -s other.txt two"
//: reads = ["target.txt"]
//: [before]
//: "target.txt" = "t"
//: "other.txt" = "o"
#include "lib.h"

int main(void) {
  DO(rename("one", "three"));
  DO(rename("two", "four"));
  get("three");
}
