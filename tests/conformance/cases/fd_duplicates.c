//: about = "descriptors copied by dup, dup2, dup3 and fcntl, the first ones closed before the use"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "content"
#include "lib.h"

int main(void) {
  int in = DO(open("in.txt", O_RDONLY | O_CLOEXEC)), out = DO(open("out.txt", O_WRONLY | O_CREAT, 0644));
  int second = DO(dup(in)), third = DO(fcntl(out, F_DUPFD_CLOEXEC, 100));
  DO(dup2(second, STDIN_FILENO));
  DO(dup3(third, 200, O_CLOEXEC));
  DO(close(in));
  DO(close(second));
  DO(close(out));
  DO(close(third));
  drain(STDIN_FILENO);
  say(200, "done");
}
