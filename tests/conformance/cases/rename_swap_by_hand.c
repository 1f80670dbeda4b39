//: about = "two files swap their names by way of a third"
//: reads = ["a.txt", "b.txt"]
//: writes = ["a.txt", "b.txt"]
//: [before]
//: "a.txt" = "aaaa"
//: "b.txt" = "bb"
#include "lib.h"

int main(void) {
  DO(rename("a.txt", "t.txt"));
  DO(rename("b.txt", "a.txt"));
  DO(rename("t.txt", "b.txt"));
}
