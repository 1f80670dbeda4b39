//: about = "absolute paths just below the limit of the kernel, reached step by step"
//: reads = ["{{ddddddddddddddddddddddddddddddd*6}/*21}in.txt"]
//: writes = ["{{ddddddddddddddddddddddddddddddd*6}/*21}out.txt"]
//: [before]
//: "{{ddddddddddddddddddddddddddddddd*6}/*21}in.txt" = "deep"
#include "lib.h"

int main(void) {
  char name[187];
  memset(name, 'd', 186);
  name[186] = 0;
  for (int level = 0; level < 21; level++) DO(chdir(name));
  get("in.txt");
  put("out.txt", "deep too");
}
