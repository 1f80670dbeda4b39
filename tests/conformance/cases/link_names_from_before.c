//: about = "two names of one file that were there before: each that is read is an input"
//: setup = "ln one.txt two.txt; ln one.txt three.txt"
//: reads = ["one.txt", "two.txt"]
//: [before]
//: "one.txt" = "shared"
#include "lib.h"

int main(void) {
  get("one.txt");
  get("two.txt");
}
