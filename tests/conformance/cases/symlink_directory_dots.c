//: about = "`..` behind a link to a directory is the parent of the target, not of the link"
//: setup = "mkdir -p far/away here; ln -s ../far/away here/jump"
//: reads = ["far/in.txt"]
//: writes = ["far/out.txt", "far/away/deep.txt"]
//: [before]
//: "far/in.txt" = "far"
//: "here/in.txt" = "here"
#include "lib.h"

int main(void) {
  get("here/jump/../in.txt");
  put("here/jump/../out.txt", "1");
  put("here/jump/deep.txt", "2");
}
