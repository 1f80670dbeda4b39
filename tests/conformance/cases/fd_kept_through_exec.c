//: about = "descriptors that a program opened are used by the program that it executes"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "content\n"
#include "lib.h"

int main(void) {
  DO(dup2(DO(open("in.txt", O_RDONLY)), STDIN_FILENO));
  DO(dup2(DO(open("out.txt", O_WRONLY | O_CREAT | O_EXCL, 0644)), STDOUT_FILENO));
  DO(execlp("cat", "cat", NULL));
}
