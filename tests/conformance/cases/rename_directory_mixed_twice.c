//: about = "a directory with read, replaced, untouched and new files is renamed twice and written in between"
//: reads = ["v1/read.txt", "v1/untouched.txt", "v1/replaced.txt"]
//: writes = ["v3/read.txt", "v3/untouched.txt", "v3/replaced.txt", "v3/new.txt", "v3/between.txt"]
//: [before]
//: "v1/read.txt" = "r"
//: "v1/untouched.txt" = "u"
//: "v1/replaced.txt" = "to be replaced"
//: "v1/dropped.txt" = "never used"
#include "lib.h"

int main(void) {
  get("v1/read.txt");
  DO(unlink("v1/dropped.txt"));
  put("v1/new.txt", "n");
  DO(rename("v1", "v2"));
  put("v2/between.txt", "b");
  put("v2/replaced.txt", "p");
  DO(rename("v2", "v3"));
  get("v3/read.txt");
}
