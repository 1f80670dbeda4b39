//: about = "rename(2) does nothing when both names are links to one file, or one name"
//: setup = "ln one.txt two.txt"
//: [before]
//: "one.txt" = "1"
#include "lib.h"

int main(void) {
  DO(rename("one.txt", "two.txt"));
  DO(rename("one.txt", "./one.txt"));
}
