//: about = "a link takes the place of a job's own file and of an old one: neither is left"
//: setup = "ln -s real.txt l1; ln -s real.txt l2"
//: reads = ["real.txt"]
//: [before]
//: "real.txt" = "r"
//: "old.txt" = "o"
#include "lib.h"

int main(void) {
  put("mine.txt", "m");
  DO(rename("l1", "mine.txt"));
  DO(rename("l2", "old.txt"));
  get("mine.txt");
  get("old.txt");
}
