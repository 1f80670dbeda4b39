//: about = "files that lose their name while they are open: an input, an old one that is written, a new one"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "content"
//: "doomed.txt" = "content"
#include "lib.h"

int main(void) {
  int in = DO(open("in.txt", O_RDONLY));
  DO(unlink("in.txt"));
  drain(in);
  int doomed = DO(open("doomed.txt", O_WRONLY));
  DO(unlink("doomed.txt"));
  say(doomed, "nobody will see it");
  int scratch = DO(open("scratch", O_RDWR | O_CREAT, 0600));
  DO(unlink("scratch"));
  say(scratch, "s");
  put("out.txt", "o");
}
